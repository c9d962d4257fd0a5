// server/web/sdk/consilium.js: the SDK's front door. Zero dependencies, no build step:
//
//   import { createClient } from '/sdk/consilium.js';
//   const client = createClient({ token });
//   const room = await client.join();
//   room.on('trackSubscribed', (track) => document.body.append(track.attach()));
//   await room.localParticipant.setCameraEnabled(true);

import { Calls } from './calls.js';
import { Emitter } from './emitter.js';
import { ConsiliumError } from './errors.js';
import { Room } from './room.js';
import { Signal } from './signal.js';
import { WaitingPlace } from './waiting.js';

export { Calls, IncomingCall, OutgoingCall } from './calls.js';
export { canCaptureScreen, captureBoth, captureDevice } from './capture.js';
export { ConsiliumError } from './errors.js';
export { LocalParticipant } from './local_participant.js';
export { Participant, RemoteParticipant } from './participant.js';
export { Pointer } from './pointer.js';
export { Room } from './room.js';
export { takePhoto } from './photo.js';
export { AskedStill, StillRequest, Stills } from './still.js';
export { Track, TrackPublication } from './tracks.js';

/** Of the SDK, and of the server that serves it. */
export const VERSION = '0.1.0';

/** @typedef {import('./tracks.js').Source} Source */
/** @typedef {import('./room_state.js').ChatMessage} ChatMessage */
/** @typedef {import('./room_state.js').RoomEvents} RoomEvents */
/** @typedef {import('./quality.js').ConnectionQuality} ConnectionQuality */
/** @typedef {import('./room_state.js').RoomPolicy} RoomPolicy */
/** @typedef {import('./room.js').GuestLink} GuestLink */
/** @typedef {import('./room.js').JoinOptions} JoinOptions */
/** @typedef {import('./signal.js').Welcome} Welcome */
/** @typedef {import('./calls.js').CallEnd} CallEnd */
/** @typedef {import('./calls.js').Answer} Answer */
/** @typedef {import('./signal.js').SessionKey} SessionKey */
/** @typedef {import('./pointer.js').Place} Place */
/** @typedef {import('./still_wire.js').StillInfo} StillInfo */
/** @typedef {import('./waiting.js').WaitingState} WaitingState */
/** @typedef {import('./waiting.js').WaitingParticipant} WaitingParticipant */

/**
 * @typedef {object} ClientOptions
 * @property {string | (() => string | Promise<string>)} token a signed token, or what fetches a fresh one: a token works
 *   once, so only a function survives that the server has forgotten the session
 * @property {string} [url] of the server; default: where the page came from
 * @property {SessionKey | null} [session] what `client.session` said before the page was loaded anew: for as long as the server keeps the
 *   session (`welcome.resumeWindow` seconds), no token is needed
 */

/** @typedef {{exists: boolean, participants: number, maxParticipants: number, locked: boolean, full: boolean,
 *   mayJoin: boolean, waits?: boolean, reason?: string}} RoomCheck */

/**
 * `reconnecting` and `reconnected` are about signaling; the call itself goes on. After `disconnected` make a new client.
 * `waiting`: join() stands in the waiting room, or the doctor's state changed; then `admitted` (and join() resolves) or
 * `declined` (and join() throws `wait_declined` or `wait_timeout`). `sentBack`: our room is over (reason `sentBack`), join() again
 * to go on waiting.
 * @typedef {{
 *   connected: [],
 *   reconnecting: [],
 *   reconnected: [],
 *   disconnected: [error: ConsiliumError],
 *   waiting: [state: WaitingState],
 *   admitted: [],
 *   declined: [cause: string, reason: string],
 *   sentBack: [reason: string, state: WaitingState],
 * }} ClientEvents
 */

const FAREWELLS = ['kicked', 'closed', 'replaced'];

/** @extends {Emitter<ClientEvents>} */
export class Client extends Emitter {
  /** @type {Room | null} */
  room = null;
  /** @type {Welcome | null} */
  welcome = null;
  /** Calling people, and being called: connect() or join() makes us reachable. @type {import('./calls.js').Calls} */
  calls;
  /** @type {Promise<void> | null} */ #connecting = null;
  #place = new WaitingPlace();
  #signal;

  /** @param {ClientOptions} options */
  constructor({ token, url = location.origin, session = null }) {
    super();
    const socketUrl = new URL('/v1/ws', url);
    socketUrl.protocol = socketUrl.protocol.replace('http', 'ws');
    this.#signal = new Signal(socketUrl.href, typeof token === 'function' ? token : () => token, session);
    this.calls = new Calls((type, fields) => this.#ask(type, fields), (room) => this.#moveTo(room), (options) => this.join(options));
    this.#signal.on('event', (name, fields) => {
      this.room?._event(name, fields);
      this.calls._event(name, fields);
      this.#place.event(name, fields);
    });
    this.#place.on('waiting', (state) => this.emit('waiting', state));
    this.#place.on('admitted', () => this.emit('admitted'));
    this.#place.on('declined', (cause, reason) => this.emit('declined', cause, reason));
    this.#place.on('sentBack', (reason, state) => this.emit('sentBack', reason, state));
    this.#signal.on('reconnecting', () => {
      this.room?._signalLost();
      this.emit('reconnecting');
    });
    this.#signal.on('reconnected', async (welcome) => {
      this.welcome = welcome;
      // It was closed while we were away; sessions of the lobby outlive that.
      if (welcome.resumed && welcome.room === '' && this.room?.id) this.room._end('closed');
      if (!welcome.resumed) {
        this.calls._lost();
        this.#place.again(); // the queue has forgotten us
      }
      await this.room?._reconnected(welcome);
      this.emit('reconnected');
    });
    this.#signal.on('closed', (error) => {
      this.#stopListening();
      this.calls._lost();
      this.room?._end(FAREWELLS.includes(error.code) ? error.code : 'failed', FAREWELLS.includes(error.code) ? error.message : error.code);
      this.emit('disconnected', error);
    });
    window.addEventListener('pagehide', this.#onPageHide);
  }

  /** Null unless we stand in the waiting room. @returns {WaitingState | null} */
  get waiting() {
    return this.#place.state;
  }

  /** What lets the page go on after a reload, null before connect(): as secret as a token. @returns {SessionKey | null} */
  get session() {
    return this.#signal.session;
  }

  /** Opens the signaling connection, so that we can be called; join() does it by itself. */
  async connect() {
    await this.#connect();
    return this;
  }

  /** @param {() => void} [whenSent] */
  #connect(whenSent) {
    this.#connecting ??= this.#signal.connect(whenSent).then(
      (welcome) => {
        this.welcome = welcome;
        this.emit('connected');
      },
      (error) => {
        this.#connecting = null;
        throw error;
      },
    );
    return this.#connecting;
  }

  /** @param {string} type @param {object} fields */
  async #ask(type, fields) {
    await this.#connect();
    return this.#signal.request(type, fields);
  }

  /** A call gave the session the right to this room; in another one it is not any more. @param {string} room */
  #moveTo(room) {
    if (this.room && !this.room.left && (this.room.id !== room || this.waiting)) this.room._end('moved');
    if (this.welcome) this.welcome = { ...this.welcome, room };
  }

  /**
   * What a page may say on its join button. Only the room of the token can be asked for.
   * @param {string} [room]
   * @returns {Promise<RoomCheck>}
   */
  async checkRoom(room) {
    await this.#connect();
    return this.#ask('check', { room: room ?? this.welcome?.room });
  }

  /**
   * Joins the room that the token names, or the one of the last call. Where a doctor has to let us in, it takes that long:
   * see `waiting`. A room's leave() or disconnect() gives the wait up.
   * @param {import('./room.js').JoinOptions} [options]
   * @returns {Promise<Room>}
   */
  async join(options = {}) {
    if (this.room && !this.room.left) throw new ConsiliumError('already_joined');
    const room = new Room(this.#signal, options, this.#place);
    this.room = room;
    try {
      await this.#enter(room);
    } catch (error) {
      const early = !room.left;
      room._end('failed');
      if (early) this.room = null;
      throw error;
    }
    // Behind the promise of join(), so that who listens from then on hears of every track; no timer: hidden pages slow those.
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => (port1.close(), room.left || room._begin());
    port2.postMessage(null);
    return room;
  }

  /** Hello, join and offer travel together: one round trip in place of three. @param {Room} room */
  async #enter(room) {
    const begun = this.#connecting;
    /** @type {Promise<void>} */
    let welcomed = Promise.resolve();
    await new Promise((sent, failed) => {
      welcomed = this.#connect(() => sent(undefined)).then(() => room._welcome(/** @type {Welcome} */ (this.welcome)));
      welcomed.catch(failed);
      if (begun) welcomed.then(sent, failed); // connect() was called before
    });
    try {
      await room._enter();
    } catch (error) {
      await welcomed; // a refused hello is the better explanation
      throw error;
    }
  }

  /** Drops the signaling connection as a broken network would; it comes back by itself, `awayMs` later. For tests. */
  simulateSignalLoss(awayMs = 0) {
    this.#signal.simulateLoss(awayMs);
  }

  /**
   * The page goes away for good: say so, or the others would look at an empty picture until the server gives up on us. A place in the
   * queue is kept for as long as the session: who only loads the page anew does not stand at its end.
   */
  #onPageHide = (/** @type {PageTransitionEvent} */ event) => {
    if (!event.persisted && this.room && !this.room.left && !this.waiting) this.#signal.request('leave').catch(() => {});
  };

  #stopListening() {
    window.removeEventListener('pagehide', this.#onPageHide);
  }

  /** Leaves and ends. */
  async disconnect() {
    this.#stopListening();
    await this.room?.leave();
    this.#signal.close();
    this.calls._lost();
  }
}

/** @param {ClientOptions} options @returns {Client} */
export function createClient(options) {
  return new Client(options);
}
