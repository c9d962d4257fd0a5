// server/web/app/tile.js: one picture of the grid: somebody's camera or shared screen, with name, state and avatar.

import { text } from './i18n.js';

/** @typedef {import('../sdk/participant.js').RemoteParticipant | import('../sdk/participant.js').LocalParticipant} Participant */
/** @typedef {import('../sdk/tracks.js').TrackPublication} TrackPublication */

export class Tile {
  /** @type {TrackPublication | undefined} */ #shown;
  #video;
  #avatar;
  #name;
  #badges;

  /**
   * @param {Participant} participant @param {'camera' | 'screen'} source @param {boolean} own
   */
  constructor(participant, source, own) {
    this.participant = participant;
    this.source = source;
    this.own = own;
    this.element = document.createElement('article');
    this.element.className = `tile ${source}${own ? ' own' : ''}`;
    this.#video = document.createElement('video');
    if (own) this.#video.dataset.own = source;
    this.#avatar = document.createElement('div');
    this.#avatar.className = 'avatar';
    this.#avatar.setAttribute('aria-hidden', 'true');
    const caption = document.createElement('div');
    caption.className = 'caption';
    this.#name = document.createElement('span');
    this.#name.className = 'name';
    this.#badges = document.createElement('span');
    this.#badges.className = 'badges';
    caption.append(this.#name, this.#badges);
    this.element.append(this.#avatar, this.#video, caption);
    this.update();
  }

  /** Brings the tile in line with its participant's state. */
  update() {
    const { participant, source } = this;
    const publication = participant.publication(source);
    const showing = publication !== undefined && !publication.muted;
    this.#attach(publication);
    this.element.classList.toggle('has-video', showing);
    this.element.classList.toggle('speaking', participant.speaking && source === 'camera');
    const label = source === 'screen' ? text('tile.screen', { name: participant.name }) : participant.name;
    this.#name.textContent = this.own ? text('room.you', { name: label }) : label;
    this.element.setAttribute('aria-label', this.#name.textContent);
    this.#avatar.textContent = [...participant.name.trim()][0]?.toUpperCase() ?? '?';
    this.#badges.replaceChildren(...this.#states(showing).map((s) => badge(s)));
  }

  /** @param {boolean} showing @returns {string[]} */
  #states(showing) {
    if (this.source === 'screen') return [];
    const states = [text(`role.${this.participant.role}`)];
    const microphone = this.participant.publication('microphone');
    if (!microphone || microphone.muted) states.push(text('tile.muted'));
    if (!showing) states.push(text('tile.cameraOff'));
    if (!this.participant.connected) states.push(text('tile.lost'));
    if (this.participant.speaking) states.push(text('tile.speaking'));
    return states;
  }

  /** @param {TrackPublication | undefined} publication */
  #attach(publication) {
    if (publication === this.#shown) return;
    if (publication?.track !== this.#shown?.track) {
      this.#shown?.track.detach(this.#video);
      publication?.track.attach(this.#video);
    }
    this.#shown = publication;
  }

  remove() {
    this.#shown?.track.detach(this.#video);
    this.element.remove();
  }
}

/** @param {string} label */
function badge(label) {
  const element = document.createElement('span');
  element.className = 'badge';
  element.textContent = label;
  return element;
}
