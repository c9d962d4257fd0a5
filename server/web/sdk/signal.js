// server/web/sdk/signal.js: the WebSocket to the gateway: requests with one reply each, events, reconnection, resume.
//
// A lost socket is reopened with growing pauses and the session resumed with its key, so that media, which does not pass
// here, never notices. Requests that were under way when the socket was lost fail with `connection_lost`; ready() tells
// when to try again. Requests that came faster than the server lets them are asked again, in their order: whoever asked
// only sees a later answer.

import { Emitter } from './emitter.js';
import { codeOf, ConsiliumError } from './errors.js';

const OPEN_TIMEOUT_MS = 8000;
const REQUEST_TIMEOUT_MS = 15_000;
/** A network that went away silently is noticed by asking: after so long without a word, and how long the answer may take. */
const SILENCE_MS = 15_000;
const PROBE_MS = 5000;
/** Pauses between attempts; the last one repeats. A little chance keeps a whole clinic from knocking in step. */
const RETRY_MS = [0, 300, 1200, 2700, 4800, 7000];
const CHANCE_MS = 1000;
const FIRST_CHANCE_MS = 250;
/** Only a connection that held for so long makes the next pause short again. */
const STABLE_MS = 5000;

/** The server says goodbye with these; coming back would be refused. @type {Record<number, string>} */
const FAREWELLS = { 4001: 'kicked', 4002: 'closed', 4003: 'replaced' };
const CLOSE_SESSION_OVER = 1000; // "lost": the resume window has ended
const CLOSE_RATE = 4006;
/** Trying the same again cannot help. */
const FINAL_ERRORS = new Set(['token_invalid', 'token_expired', 'token_used', 'forbidden', 'unsupported_version', 'not_authenticated']);

/**
 * @typedef {object} Welcome
 * @property {number} version
 * @property {string} session
 * @property {string} resumeKey
 * @property {boolean} resumed
 * @property {string} identity
 * @property {string} name
 * @property {string} role
 * @property {string} room
 * @property {RTCIceServer[]} iceServers
 * @property {{messageBytes: number, offerBytes: number, chatBytes: number}} limits
 * @property {number} resumeWindow seconds
 */

/** What takes a session up again: as secret as a token. @typedef {{session: string, key: string}} SessionKey */

/** @typedef {{text: string, resolve: (ok: any) => void, reject: (error: ConsiliumError) => void, timer: number}} Waiting */

/**
 * @typedef {{
 *   event: [name: string, fields: any],
 *   reconnecting: [],
 *   reconnected: [welcome: Welcome],
 *   closed: [error: ConsiliumError],
 * }} SignalEvents
 */

/** @extends {Emitter<SignalEvents>} */
export class Signal extends Emitter {
  /** @type {WebSocket | null} */ #socket = null;
  /** @type {Map<number, Waiting>} requests without a reply yet */ #pending = new Map();
  /** @type {number[]} refused for their rate, and whatever was asked since, in order */ #held = [];
  /** @type {number} the held one that has been asked again */ #asked = 0;
  #holdTimer = 0;
  /** @type {{resolve: () => void, reject: (error: ConsiliumError) => void}[]} */ #waiters = [];
  /** @type {SessionKey | null} */ #resume;
  /** @type {ConsiliumError | null} why it is over for good */ #ended = null;
  #state = /** @type {'new' | 'opening' | 'open' | 'lost'} */ ('new');
  #nextId = 1;
  #attempt = 0;
  #openedAt = 0;
  #heardAt = 0;
  #probing = false;
  #watch = 0;
  #stopRetry = () => {};
  #url;
  #token;

  /**
   * @param {string} url `ws(s)://host/v1/ws`
   * @param {() => string | Promise<string>} token asked for at each fresh session
   * @param {SessionKey | null} [session] of this user before: goes on, if the server still has it
   */
  constructor(url, token, session = null) {
    super();
    this.#resume = session;
    this.#url = url;
    this.#token = token;
  }

  /** Of the server, as pages have it. */
  get origin() {
    return new URL(this.#url.replace(/^ws/, 'http')).origin;
  }

  /**
   * Opens the first connection. Requests made in `whenSent` travel right behind the hello, without waiting for its reply.
   * @param {() => void} [whenSent]
   * @returns {Promise<Welcome>}
   */
  async connect(whenSent) {
    const before = await this.#takeUp();
    if (before) whenSent?.();
    const welcome = before ?? (await this.#open(whenSent));
    this.#wake();
    return welcome;
  }

  /** @returns {Promise<Welcome | null>} null: there is no session to go on with */
  async #takeUp() {
    if (!this.#resume) return null;
    try {
      return await this.#open();
    } catch (error) {
      if (codeOf(error) !== 'session_not_found') throw error;
      this.#resume = null;
      return null;
    }
  }

  get session() {
    return this.#resume;
  }

  /** Resolves when requests can be made (again); rejects when that will never be. @returns {Promise<void>} */
  ready() {
    if (this.#ended) return Promise.reject(this.#ended);
    if (this.#state === 'open') return Promise.resolve();
    if (this.#state === 'new') return Promise.reject(new ConsiliumError('connection_lost'));
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  /**
   * @param {string} type
   * @param {object} [fields]
   * @param {number} [timeoutMs]
   * @returns {Promise<any>} the reply's `ok`
   */
  request(type, fields = {}, timeoutMs = REQUEST_TIMEOUT_MS) {
    const socket = this.#socket;
    if (!socket || socket.readyState !== WebSocket.OPEN) {
      return Promise.reject(this.#ended ?? new ConsiliumError('connection_lost'));
    }
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = window.setTimeout(() => {
        this.#settle(id);
        reject(new ConsiliumError('timeout', `no reply to ${type}`));
        this.#probe();
      }, timeoutMs);
      const text = JSON.stringify({ id, type, ...fields });
      this.#pending.set(id, { text, resolve, reject, timer });
      if (this.#held.length > 0) this.#held.push(id);
      else socket.send(text);
    });
  }

  // ---- too many at once --------------------------------------------------------------------------------------------

  /** Nobody looked at it: it may be asked again. @param {number} id @param {number} afterMs */
  #hold(id, afterMs) {
    if (!this.#held.includes(id)) this.#held.push(id);
    this.#held.sort((a, b) => a - b);
    if (id === this.#asked) this.#asked = 0;
    clearTimeout(this.#holdTimer);
    this.#holdTimer = window.setTimeout(() => this.#askHeld(), afterMs);
  }

  /** One after the other: each has its answer before the next is asked, so none is refused in vain. */
  #askHeld() {
    const id = this.#held[0];
    if (id === undefined || id === this.#asked) return;
    this.#asked = id;
    this.#socket?.send(/** @type {Waiting} */ (this.#pending.get(id)).text);
  }

  /** Answered, or given up. @param {number} id @returns {Waiting | undefined} */
  #settle(id) {
    const waiting = this.#pending.get(id);
    if (!waiting) return undefined;
    this.#pending.delete(id);
    clearTimeout(waiting.timer);
    const place = this.#held.indexOf(id);
    if (place >= 0) this.#held.splice(place, 1);
    if (id === this.#asked) this.#askHeld();
    return waiting;
  }

  /** Drops the socket as a broken network would, and stays away for `awayMs`. */
  simulateLoss(awayMs = 0) {
    const socket = this.#socket;
    if (!socket) return;
    this.#lost(socket, 1006, '', awayMs);
    socket.close(3000, 'simulated loss');
  }

  /** Ends for good; nothing is emitted. */
  close() {
    this.#finish(new ConsiliumError('closed'));
  }

  // ---- opening -----------------------------------------------------------------------------------------------------

  /** @param {() => void} [whenSent] @returns {Promise<Welcome>} */
  async #open(whenSent = () => {}) {
    const before = this.#state;
    this.#state = 'opening';
    try {
      const welcome = await this.#hello(whenSent);
      this.#resume = { session: welcome.session, key: welcome.resumeKey };
      this.#openedAt = performance.now();
      this.#state = 'open';
      this.#startWatch();
      return welcome;
    } catch (error) {
      this.#state = before;
      const socket = this.#socket;
      this.#socket = null;
      socket?.close();
      this.#failPending(new ConsiliumError('connection_lost'));
      throw error;
    }
  }

  /** @param {() => void} whenSent @returns {Promise<Welcome>} */
  async #hello(whenSent) {
    const token = this.#resume ? undefined : await this.#token();
    if (this.#ended) throw this.#ended;
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    await opened(socket);
    if (this.#ended) throw this.#ended;
    socket.onmessage = (e) => this.#receive(socket, String(e.data));
    socket.onclose = (e) => this.#lost(socket, e.code, e.reason);
    const welcomed = this.request('hello', this.#resume ? { version: 1, resume: this.#resume } : { version: 1, token });
    whenSent();
    return welcomed;
  }

  /** @param {WebSocket} socket @param {string} text */
  #receive(socket, text) {
    if (socket !== this.#socket) return; // given up already
    this.#heardAt = performance.now();
    const message = JSON.parse(text);
    if (typeof message.event === 'string') {
      this.emit('event', message.event, message);
      return;
    }
    const { re: id, error } = message;
    if (error?.retryAfterMs > 0 && this.#pending.has(id)) {
      this.#hold(id, error.retryAfterMs);
      return;
    }
    const waiting = this.#settle(id);
    if (error) waiting?.reject(new ConsiliumError(error.code, error.message));
    else waiting?.resolve(message.ok);
  }

  // ---- losing and coming back --------------------------------------------------------------------------------------

  /** @param {WebSocket} socket @param {number} code @param {string} reason @param {number} [awayMs] */
  #lost(socket, code, reason, awayMs = 0) {
    if (socket !== this.#socket) return;
    this.#socket = null;
    clearInterval(this.#watch);
    this.#failPending(new ConsiliumError('connection_lost', `socket closed: ${code}`));
    if (this.#ended || this.#state === 'opening') return; // whoever opens it hears of it by the rejection
    if (FAREWELLS[code]) {
      const error = new ConsiliumError(FAREWELLS[code], reason);
      this.#finish(error);
      this.emit('closed', error);
      return;
    }
    this.#state = 'lost';
    if (code === CLOSE_SESSION_OVER) this.#resume = null;
    if (performance.now() - this.#openedAt > STABLE_MS) this.#attempt = 0;
    if (code === CLOSE_RATE) this.#attempt = Math.max(this.#attempt, 3);
    this.emit('reconnecting');
    this.#retry(awayMs);
  }

  /** @param {number} [longerMs] */
  #retry(longerMs = 0) {
    const pause = RETRY_MS[Math.min(this.#attempt++, RETRY_MS.length - 1)];
    const timer = window.setTimeout(() => this.#reopen(), longerMs + pause + Math.random() * (pause === 0 ? FIRST_CHANCE_MS : CHANCE_MS));
    const now = () => {
      this.#stopRetry();
      this.#attempt = 0;
      this.#reopen();
    };
    if (longerMs === 0) window.addEventListener('online', now);
    this.#stopRetry = () => {
      clearTimeout(timer);
      window.removeEventListener('online', now);
    };
  }

  async #reopen() {
    this.#stopRetry();
    try {
      const welcome = await this.#open();
      this.emit('reconnected', welcome); // first: who must begin anew does so before those who wait go on
      this.#wake();
    } catch (error) {
      if (this.#ended) return;
      if (codeOf(error) === 'session_not_found' && this.#resume) {
        this.#resume = null; // the server forgot us: a fresh session, and the room is joined again
        this.#attempt = 0;
      } else if (FINAL_ERRORS.has(codeOf(error))) {
        this.#finish(/** @type {ConsiliumError} */ (error));
        this.emit('closed', /** @type {ConsiliumError} */ (error));
        return;
      }
      this.#retry();
    }
  }

  #startWatch() {
    this.#heardAt = performance.now();
    clearInterval(this.#watch);
    this.#watch = window.setInterval(() => {
      if (performance.now() - this.#heardAt >= SILENCE_MS) this.#probe();
    }, PROBE_MS);
  }

  /** Asks whether the server is still there; a socket that says nothing is given up. */
  async #probe() {
    const socket = this.#socket;
    if (!socket || this.#probing || this.#state !== 'open') return;
    this.#probing = true;
    const asked = performance.now();
    await this.request('ping', {}, PROBE_MS).catch(() => {});
    this.#probing = false;
    if (this.#heardAt >= asked || socket !== this.#socket) return;
    this.#lost(socket, 1006, '');
    socket.close();
  }

  // ---- the end -----------------------------------------------------------------------------------------------------

  #wake() {
    for (const waiter of this.#waiters.splice(0)) waiter.resolve();
  }

  /** @param {ConsiliumError} error */
  #failPending(error) {
    for (const waiting of this.#pending.values()) {
      clearTimeout(waiting.timer);
      waiting.reject(error);
    }
    this.#pending.clear();
    this.#held = [];
    this.#asked = 0;
    clearTimeout(this.#holdTimer);
  }

  /** @param {ConsiliumError} error */
  #finish(error) {
    this.#ended ??= error;
    this.#stopRetry();
    clearInterval(this.#watch);
    this.#failPending(this.#ended);
    for (const waiter of this.#waiters.splice(0)) waiter.reject(this.#ended);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(1000);
  }
}

/** @param {WebSocket} socket @returns {Promise<void>} */
function opened(socket) {
  return new Promise((resolve, reject) => {
    const timer = window.setTimeout(() => reject(new ConsiliumError('connection_lost', 'the server does not answer')), OPEN_TIMEOUT_MS);
    socket.onopen = () => {
      clearTimeout(timer);
      resolve();
    };
    socket.onclose = (e) => {
      clearTimeout(timer);
      reject(new ConsiliumError('connection_lost', `socket closed: ${e.code}`));
    };
  });
}
