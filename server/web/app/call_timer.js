// server/web/app/call_timer.js: how long the consultation has lasted, by the server's clock: a reload does not begin it anew.

import { find } from './dom.js';

/** @typedef {import('../sdk/consilium.js').Room} Room */

/** The server's clock, which this machine's may differ from by hours. */
export class ServerClock {
  #ahead;

  /** @param {Room} room just joined: our own `joinedAt` is the server's now */
  constructor({ localParticipant }) {
    this.#ahead = (localParticipant.joinedAt || Date.now()) - Date.now();
  }

  /** @returns {number} ms since 1970 */
  now() {
    return Date.now() + this.#ahead;
  }
}

export class CallTimer {
  #clock;
  /** When two were here for the first time, as far as we know. */
  #began = Infinity;
  #timer;
  #element = find('call-timer');

  /** @param {ServerClock} clock */
  constructor(clock) {
    this.#clock = clock;
    this.#timer = window.setInterval(() => this.#show(), 1000);
    this.#element.hidden = true;
  }

  /** @param {Room} room */
  follow({ localParticipant, remoteParticipants }) {
    const arrivals = [localParticipant, ...remoteParticipants.values()].filter((p) => p.role !== 'observer').map((p) => p.joinedAt);
    if (arrivals.length < 2) return;
    const second = arrivals.sort((a, b) => a - b)[1];
    this.#began = Math.min(this.#began, second);
    this.#show();
  }

  #show() {
    if (this.#began === Infinity) return;
    const seconds = Math.max(0, Math.floor((this.#clock.now() - this.#began) / 1000));
    this.#element.hidden = false;
    this.#element.textContent = duration(seconds);
  }

  close() {
    clearInterval(this.#timer);
    this.#element.hidden = true;
  }
}

/** @param {number} seconds @returns {string} 4:05, 1:04:05 */
export function duration(seconds) {
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  if (parts[0] === 0) parts.shift();
  return parts.map((part, i) => (i === 0 ? String(part) : String(part).padStart(2, '0'))).join(':');
}
