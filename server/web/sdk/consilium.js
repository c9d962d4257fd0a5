// server/web/sdk/consilium.js: the SDK's front door. Zero dependencies, no build step:
//
//   import { createClient } from '/sdk/consilium.js';
//   const client = createClient({ token });
//   const room = await client.join();
//   room.on('trackSubscribed', (track) => document.body.append(track.attach()));
//   await room.localParticipant.setCameraEnabled(true);

import { Emitter } from './emitter.js';
import { ConsiliumError } from './errors.js';
import { Room } from './room.js';
import { Signal } from './signal.js';

export { ConsiliumError } from './errors.js';
export { Track, TrackPublication } from './tracks.js';
export { LocalParticipant, RemoteParticipant } from './participant.js';
export { Room } from './room.js';

/**
 * @typedef {object} ClientOptions
 * @property {string | (() => string | Promise<string>)} token a signed token, or what fetches a fresh one
 * @property {string} [url] of the server; default: where the page came from
 */

/** @typedef {{exists: boolean, participants: number, maxParticipants: number, locked: boolean, full: boolean,
 *   mayJoin: boolean, reason?: string}} RoomCheck */

/** @typedef {{
 *   connected: [],
 *   reconnecting: [],
 *   reconnected: [],
 *   disconnected: [error: ConsiliumError],
 * }} ClientEvents */

/** @extends {Emitter<ClientEvents>} */
export class Client extends Emitter {
  /** @type {Room | null} */
  room = null;
  /** @type {import('./signal.js').Welcome | null} */
  welcome = null;
  /** @type {Promise<import('./signal.js').Welcome> | null} */ #connecting = null;
  #signal;

  /** @param {ClientOptions} options */
  constructor({ token, url = location.origin }) {
    super();
    window.addEventListener('pagehide', this.#onPageHide);
    const socketUrl = new URL('/v1/ws', url);
    socketUrl.protocol = socketUrl.protocol.replace('http', 'ws');
    this.#signal = new Signal(socketUrl.href, typeof token === 'function' ? token : () => token);
    this.#signal.on('event', (name, fields) => this.room?._event(name, fields));
    this.#signal.on('reconnecting', () => this.emit('reconnecting'));
    this.#signal.on('reconnected', (welcome) => {
      this.welcome = welcome;
      this.emit('reconnected');
      this.room?._resumed(welcome).catch((e) => console.warn('resume:', e));
    });
    this.#signal.on('closed', (error) => {
      this.room?._end(error.message);
      this.emit('disconnected', error);
    });
  }

  /** Opens the signaling connection; join() does it by itself. */
  async connect() {
    this.#connecting ??= this.#signal.connect();
    try {
      this.welcome = await this.#connecting;
    } catch (error) {
      this.#connecting = null;
      throw error;
    }
    this.emit('connected');
    return this;
  }

  /** @param {string} room @returns {Promise<RoomCheck>} */
  async checkRoom(room) {
    if (!this.welcome) await this.connect();
    return this.#signal.request('check', { room });
  }

  /**
   * Joins the room that the token names.
   * @param {{topology?: 'auto' | 'never', hidden?: boolean}} [options]
   * @returns {Promise<Room>}
   */
  async join(options = {}) {
    if (this.room && !this.room.left) throw new ConsiliumError('already_joined');
    if (!this.welcome) await this.connect();
    const room = new Room(this.#signal, /** @type {import('./signal.js').Welcome} */ (this.welcome), options);
    this.room = room;
    try {
      await room._enter();
    } catch (error) {
      room._end('failed');
      this.room = null;
      throw error;
    }
    return room;
  }

  /** Drops the signaling connection as a broken network would; it comes back by itself. For tests. */
  simulateSignalLoss() {
    this.#signal.simulateLoss();
  }

  /** The page goes away for good: say so, or the others would look at an empty picture until the server gives up on us. */
  #onPageHide = (/** @type {PageTransitionEvent} */ event) => {
    if (!event.persisted && this.room && !this.room.left) this.#signal.request('leave').catch(() => {});
  };

  /** Leaves and ends. */
  async disconnect() {
    window.removeEventListener('pagehide', this.#onPageHide);
    await this.room?.leave();
    this.#signal.close();
  }
}

/** @param {ClientOptions} options @returns {Client} */
export function createClient(options) {
  return new Client(options);
}
