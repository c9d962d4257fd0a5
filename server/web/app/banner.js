// server/web/app/banner.js: how the connection is, in words: short in the header, and at length when something is wrong.

import { find, icon, make } from './dom.js';
import { text } from './i18n.js';
import { qualityOf } from './quality_words.js';

/** @typedef {import('../sdk/consilium.js').Room} Room */
/** @typedef {import('../sdk/consilium.js').Client} Client */

export class ConnectionState {
  #signaling = true;
  #media = 'connecting';
  #wasConnected = false;
  #audioOnly = false;
  #room;
  /** @type {(() => void)[]} */ #offs;

  /** @param {Client} client @param {Room} room */
  constructor(client, room) {
    this.#room = room;
    this.#offs = [
      client.on('reconnecting', () => this.#set(() => (this.#signaling = false))),
      client.on('reconnected', () => this.#set(() => (this.#signaling = true))),
      room.on('mediaStateChanged', (state) => this.#set(() => this.#mediaIs(state))),
      room.on('audioOnlyChanged', (reason) => this.#set(() => (this.#audioOnly = reason !== null))),
      room.on('connectionQualityChanged', () => this.#show()),
      room.on('participantQualityChanged', () => this.#show()),
    ];
    this.#audioOnly = room.audioOnly !== null;
    this.#mediaIs(room.mediaState);
    this.#show();
  }

  close() {
    for (const off of this.#offs) off();
    find('banner').hidden = true;
  }

  /** In the language of now. */
  showTexts() {
    find('room-state').dataset.state = '';
    find('banner').replaceChildren();
    this.#show();
  }

  /** @param {string} state */
  #mediaIs(state) {
    // Every further attempt begins with "connecting": once it has failed, only success changes what is said.
    if (state === 'connecting' && this.#media === 'failed') return;
    this.#media = state;
    this.#wasConnected ||= state === 'connected';
  }

  /** @param {() => void} change */
  #set(change) {
    change();
    this.#show();
  }

  #show() {
    const [state, symbol, key] = this.#words();
    const words = this.#inWords(state);
    const header = find('room-state');
    if (header.dataset.state !== state || header.textContent !== words) {
      header.dataset.state = state;
      header.replaceChildren(icon(symbol), make('span', 'words', words));
    }
    const banner = find('banner');
    banner.hidden = key === null;
    if (key === null || (banner.dataset.key === key && banner.hasChildNodes())) return;
    banner.dataset.key = key;
    banner.replaceChildren(icon(symbol), make('p', '', text(key)));
  }

  /** With the cause, where the server knows it. @param {string} state */
  #inWords(state) {
    const own = state === 'fair' || state === 'poor' ? qualityOf(this.#room.localParticipant, this.#room) : null;
    return own?.weak && own.grade !== 'lost' ? own.words : text(`room.${state}`);
  }

  /** @returns {[state: string, icon: string, banner: string | null]} */
  #words() {
    if (this.#media === 'failed') return ['failed', 'warning', this.#wasConnected ? 'banner.mediaLost' : 'banner.mediaFailed'];
    if (!this.#signaling) return ['reconnecting', 'reconnect', this.#media === 'connected' ? 'banner.signalLost' : 'banner.allLost'];
    if (this.#media === 'disconnected') return ['reconnecting', 'reconnect', 'banner.mediaLost'];
    if (this.#media !== 'connected') return ['connecting', 'reconnect', null];
    if (this.#audioOnly) return ['poor', 'signal-poor', 'banner.audioOnly'];
    const own = qualityOf(this.#room.localParticipant, this.#room);
    if (own?.grade === 'poor') return ['poor', 'signal-poor', 'banner.poor'];
    return own?.weak ? ['fair', 'signal-fair', null] : ['connected', 'signal-good', null];
  }
}
