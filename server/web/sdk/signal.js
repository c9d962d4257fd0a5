// server/web/sdk/signal.js: the WebSocket to the gateway: requests with one reply each, events, reconnection, resume.
//
// A lost socket is reopened with growing pauses and the session resumed with its key, so that media, which does not pass
// here, never notices. Requests that were under way when the socket was lost fail with `connection_lost`.

import { Emitter } from './emitter.js';
import { ConsiliumError } from './errors.js';

const REQUEST_TIMEOUT_MS = 15000;
/** Pauses between attempts; the last one repeats. A little chance keeps a whole clinic from knocking in step. */
const RETRY_MS = [0, 300, 1200, 2700, 4800, 7000];
/** The server says goodbye with these; coming back would be refused. */
const FINAL_CLOSE_CODES = new Set([4001, 4002, 4003]);

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
 */

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
  /** @type {Map<number, {resolve: (ok: any) => void, reject: (error: ConsiliumError) => void, timer: number}>} */
  #pending = new Map();
  #nextId = 1;
  #attempt = 0;
  #closed = false;
  #opening = false;
  /** @type {{session: string, key: string} | null} */ #resume = null;
  #url;
  #token;
  #offRetry = () => {};

  /**
   * @param {string} url `ws(s)://host/v1/ws`
   * @param {() => string | Promise<string>} token asked for at each fresh session
   */
  constructor(url, token) {
    super();
    this.#url = url;
    this.#token = token;
  }

  /** @returns {Promise<Welcome>} */
  async connect() {
    const welcome = await this.#open();
    this.#attempt = 0;
    return welcome;
  }

  /** @returns {Promise<Welcome>} */
  async #open() {
    this.#opening = true;
    try {
      return await this.#hello();
    } catch (error) {
      const socket = this.#socket;
      this.#socket = null;
      socket?.close();
      throw error;
    } finally {
      this.#opening = false;
    }
  }

  /** @returns {Promise<Welcome>} */
  async #hello() {
    const token = this.#resume ? undefined : await this.#token();
    if (this.#closed) throw new ConsiliumError('closed');
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onclose = (e) => reject(new ConsiliumError('connection_lost', `socket closed: ${e.code}`));
    });
    socket.onmessage = (e) => this.#receive(String(e.data));
    socket.onclose = (e) => this.#lost(socket, e.code, e.reason);
    const hello = this.#resume ? { version: 1, resume: this.#resume } : { version: 1, token };
    /** @type {Welcome} */
    const welcome = await this.request('hello', hello);
    this.#resume = { session: welcome.session, key: welcome.resumeKey };
    return welcome;
  }

  /**
   * @param {string} type
   * @param {object} [fields]
   * @returns {Promise<any>} the reply's `ok`
   */
  request(type, fields = {}) {
    const socket = this.#socket;
    if (!socket || socket.readyState !== WebSocket.OPEN) {
      return Promise.reject(new ConsiliumError(this.#closed ? 'closed' : 'connection_lost'));
    }
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = window.setTimeout(() => {
        this.#pending.delete(id);
        reject(new ConsiliumError('timeout', `no reply to ${type}`));
      }, REQUEST_TIMEOUT_MS);
      this.#pending.set(id, { resolve, reject, timer });
      socket.send(JSON.stringify({ id, type, ...fields }));
    });
  }

  /** @param {string} text */
  #receive(text) {
    const message = JSON.parse(text);
    if (typeof message.event === 'string') {
      this.emit('event', message.event, message);
      return;
    }
    const waiting = this.#pending.get(message.re);
    if (!waiting) return;
    this.#pending.delete(message.re);
    clearTimeout(waiting.timer);
    if (message.error) {
      waiting.reject(new ConsiliumError(message.error.code, message.error.message));
    } else {
      waiting.resolve(message.ok);
    }
  }

  /** @param {WebSocket} socket @param {number} code @param {string} reason */
  #lost(socket, code, reason) {
    if (socket !== this.#socket) return;
    this.#socket = null;
    for (const waiting of this.#pending.values()) {
      clearTimeout(waiting.timer);
      waiting.reject(new ConsiliumError('connection_lost'));
    }
    this.#pending.clear();
    if (this.#closed || this.#opening) return; // whoever opens it hears of it by the rejection
    if (FINAL_CLOSE_CODES.has(code)) {
      this.#end(new ConsiliumError('closed', reason));
      return;
    }
    this.emit('reconnecting');
    this.#retry();
  }

  #retry() {
    const base = RETRY_MS[Math.min(this.#attempt++, RETRY_MS.length - 1)];
    const timer = window.setTimeout(async () => {
      window.removeEventListener('online', now);
      try {
        const welcome = await this.#open();
        this.#attempt = 0;
        this.emit('reconnected', welcome);
      } catch (error) {
        const failure = error instanceof ConsiliumError ? error : new ConsiliumError('connection_lost', String(error));
        if (this.#closed) return;
        if (failure.code === 'session_not_found' && this.#resume) {
          this.#resume = null; // the server forgot us: a fresh session, and the room is joined again
        } else if (['token_invalid', 'token_expired', 'token_used', 'forbidden'].includes(failure.code)) {
          this.#end(failure);
          return;
        }
        this.#retry();
      }
    }, base * (0.8 + 0.4 * Math.random()));
    const now = () => {
      this.#attempt = 0;
      this.#offRetry();
      this.#retry();
    };
    window.addEventListener('online', now, { once: true });
    this.#offRetry = () => {
      clearTimeout(timer);
      window.removeEventListener('online', now);
    };
  }

  /** @param {ConsiliumError} error */
  #end(error) {
    this.#closed = true;
    this.#offRetry();
    this.emit('closed', error);
  }

  /** Drops the socket as a broken network would, so that reconnection can be tried out. */
  simulateLoss() {
    this.#socket?.close(3000, 'simulated loss');
  }

  /** Ends for good; nothing is emitted. */
  close() {
    this.#closed = true;
    this.#offRetry();
    this.#socket?.close(1000);
  }
}
