// server/web/app/tile.js: one picture of the grid: somebody's camera or shared screen, with name, state and, where there
// is something to do with it, a menu.

import { dress, hueOf, icon, initials, make } from './dom.js';
import { text } from './i18n.js';
import { attachMenu } from './menu.js';
import { qualityOf } from './quality_words.js';

/** @typedef {import('../sdk/consilium.js').RemoteParticipant | import('../sdk/consilium.js').LocalParticipant} Participant */
/** @typedef {import('../sdk/consilium.js').TrackPublication} TrackPublication */
/** @typedef {import('../sdk/consilium.js').Room} Room */
/** @typedef {import('./menu.js').MenuItem} MenuItem */

export class Tile {
  /** @type {TrackPublication | undefined} */ #shown;
  video = document.createElement('video');
  /** What lies over the picture at places of it: pointers. */
  overlay = make('div', 'overlay');
  #avatar = make('div', 'avatar');
  #name = make('span', 'name');
  #role = make('span', 'role');
  #badges = make('span', 'badges');
  #menu = make('button', 'icon-button tile-menu');
  #state = '';
  #room;

  /**
   * @param {Room} room @param {Participant} participant @param {'camera' | 'screen'} source @param {boolean} own
   * @param {(tile: Tile) => MenuItem[]} menu what can be done with it
   */
  constructor(room, participant, source, own, menu) {
    this.#room = room;
    this.participant = participant;
    this.source = source;
    this.own = own;
    this.element = make('article', `tile ${source}${own ? ' own' : ''}`);
    this.element.dataset.participant = participant.id;
    this.element.dataset.source = source;
    if (own) this.video.dataset.own = source;
    this.#avatar.setAttribute('aria-hidden', 'true');
    this.#avatar.dataset.hue = hueOf(participant.identity);
    this.overlay.setAttribute('aria-hidden', 'true'); // it is where somebody points at, not what
    this.#menu.type = 'button';
    attachMenu(this.#menu, () => menu(this));
    this.element.append(this.#avatar, this.video, this.overlay, make('div', 'caption', this.#badges, this.#name, this.#role), this.#menu);
    this.update();
  }

  /** Oneself is seen as in a mirror, but not what one's rear camera shows. */
  get mirrored() {
    return this.own && this.source === 'camera' && this.#shown?.track.mediaStreamTrack?.getSettings().facingMode !== 'environment';
  }

  get publication() {
    return this.#shown;
  }

  /** Brings the tile in line with its participant's state. Called often; touches what has changed. */
  update() {
    const { participant, source, own } = this;
    const publication = participant.publication(source);
    const showing = publication !== undefined && !publication.muted;
    this.#attach(publication);
    const speaking = participant.speaking && source === 'camera';
    this.element.classList.toggle('has-video', showing);
    this.element.classList.toggle('speaking', speaking);
    this.element.classList.toggle('mirrored', this.mirrored);
    const states = this.#states();
    const state = JSON.stringify([participant.name, participant.id, showing, states, document.documentElement.lang]);
    if (state === this.#state) return;
    this.#state = state;
    this.element.dataset.participant = participant.id;
    dress(this.#menu, 'more', text('menu.tile', { name: participant.name }));
    delete this.#menu.dataset.tip; // it would cover the picture
    const label = source === 'screen' ? text('tile.screen', { name: participant.name }) : participant.name;
    const yours = source === 'screen' ? text('tile.ownScreen') : text('room.you', { name: label });
    const full = own ? yours : label;
    // In a small tile "Name (you)" would be cut to the name of somebody else.
    this.#name.replaceChildren(make('span', 'long', full), make('span', 'short', own ? text(source === 'screen' ? 'tile.ownScreen' : 'room.self') : label));
    this.#role.textContent = source === 'camera' ? text(`role.${participant.role}`) : '';
    this.element.setAttribute('aria-label', [full, ...states.map(([, words]) => words)].join(', '));
    this.#avatar.replaceChildren(make('span', '', initials(participant.name)));
    this.#badges.replaceChildren(...states.map(([name, words]) => badge(name, words)));
  }

  /** What stands in front of the name: icon and words. @returns {[string, string][]} */
  #states() {
    if (this.source === 'screen') return [];
    /** @type {[string, string][]} */
    const states = [];
    const microphone = this.participant.publication('microphone');
    if (this.participant.handRaised) states.push(['hand', text('tile.hand')]);
    if (!this.participant.connected) states.push(['reconnect', text('tile.lost')]);
    if (!microphone || microphone.muted) states.push(['microphone-off', text('tile.muted')]);
    const quality = qualityOf(this.participant, this.#room);
    if (quality?.weak) states.push([quality.icon, quality.words]);
    return states;
  }

  /** @param {TrackPublication | undefined} publication */
  #attach(publication) {
    if (publication === this.#shown) return;
    if (publication?.track !== this.#shown?.track) {
      this.#shown?.track.detach(this.video);
      publication?.track.attach(this.video);
    }
    this.#shown = publication;
  }

  remove() {
    this.#shown?.track.detach(this.video);
    this.element.remove();
  }
}

/** @param {string} name @param {string} words */
function badge(name, words) {
  const element = make('span', `badge ${name}`, icon(name));
  element.setAttribute('role', 'img');
  element.setAttribute('aria-label', words);
  element.title = words;
  return element;
}
