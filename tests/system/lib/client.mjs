// tests/system/lib/client.mjs: the client protocol of signaling/PROTOCOL.md over one WebSocket: requests, replies, events.

import { WebSocket } from './packages.mjs';
import { within } from './until.mjs';

/** A reply with `error`. */
export class Refused extends Error {
  constructor(type, { code, message }) {
    super(`${type}: ${code}: ${message}`);
    this.code = code;
  }
}

export class Client {
  /** Everything that was received, in order. */
  log = [];
  /** Called with every event, before anybody takes it. */
  onEvent = (_message) => {};
  #inbox = [];
  #waiting = new Set();
  #replies = new Map();
  #nextId = 1001; // lower ones are for messages written by hand

  /**
   * Opens the WebSocket and says nothing yet.
   * @param {string} base the server's http URL @param {{origin?: string}} [options]
   */
  static async open(base, options = {}) {
    const socket = new WebSocket(new URL('/v1/ws', base.replace('http', 'ws')), { perMessageDeflate: false, ...options });
    const client = new Client(socket);
    await within(new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject)), 'WebSocket open');
    return client;
  }

  /**
   * Opens and says hello. `who.token` or the fields of a new one.
   * @param {import('../../browser/lib/server.mjs').Server} server @param {Record<string, any>} who
   */
  static async hello(server, who) {
    const client = await Client.open(server.url);
    await client.hello(who.token ?? (await server.token(who)));
    return client;
  }

  /** Opens, says hello, joins. */
  static async join(server, who, fields = {}) {
    const client = await Client.hello(server, who);
    await client.join(fields);
    return client;
  }

  constructor(socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.once('close', (code, reason) => resolve({ code, reason: String(reason) })));
    this.closed.then(({ code }) => this.#end(code));
    socket.on('message', (data) => this.#receive(JSON.parse(String(data))));
    socket.on('error', () => {}); // 'close' follows
  }

  #receive(message) {
    this.log.push(message);
    if (message.re !== undefined) {
      const waiting = this.#replies.get(message.re);
      if (!waiting) return;
      this.#replies.delete(message.re);
      if (waiting.whole) waiting.resolve(message);
      else if (message.error) waiting.reject(new Refused(waiting.type, message.error));
      else waiting.resolve(message.ok);
      return;
    }
    this.onEvent(message);
    for (const waiting of this.#waiting) {
      if (!waiting.takes(message)) continue;
      this.#waiting.delete(waiting);
      waiting.resolve(message);
      return;
    }
    this.#inbox.push(message);
  }

  #end(code) {
    for (const waiting of this.#replies.values()) waiting.reject(new Refused(waiting.type, { code: 'connection_lost', message: `close ${code}` }));
    this.#replies.clear();
  }

  sendText(text) {
    this.socket.send(text);
  }

  /** @returns {Promise<any>} the reply's `ok`; throws Refused */
  request(type, fields = {}) {
    const id = this.#nextId++;
    const reply = new Promise((resolve, reject) => this.#replies.set(id, { type, resolve, reject }));
    if (this.socket.readyState !== WebSocket.OPEN) this.#end(this.socket.readyState);
    else this.sendText(JSON.stringify({ id, type, ...fields }));
    const bounded = within(reply, `reply to ${type}`);
    bounded.catch(() => {}); // pipelined ones may be refused before they are awaited
    return bounded;
  }

  /** Sends a whole message, with its own id; @returns {Promise<any>} the whole reply */
  exchange(message) {
    const reply = new Promise((resolve, reject) => this.#replies.set(message.id, { type: message.type, resolve, reject, whole: true }));
    this.sendText(JSON.stringify(message));
    return within(reply, `reply to ${message.type}`);
  }

  /** The error code of a request that must be refused. */
  async refusal(type, fields) {
    try {
      const ok = await this.request(type, fields);
      return `ok ${JSON.stringify(ok)}`;
    } catch (error) {
      if (error instanceof Refused) return error.code;
      throw error;
    }
  }

  async hello(token, fields = {}) {
    this.welcome = await this.request('hello', { version: 1, token, ...fields });
    return this.welcome;
  }

  async join(fields = {}) {
    const { participant, room } = await this.request('join', fields);
    this.id = participant;
    this.room = room;
    return room;
  }

  /** The oldest event of that name not yet taken, or the next to come. */
  event(name, match = () => true, timeout = 10_000) {
    const takes = (m) => m.event === name && match(m);
    const index = this.#inbox.findIndex(takes);
    if (index >= 0) return Promise.resolve(this.#inbox.splice(index, 1)[0]);
    const waiting = { takes };
    const arrival = new Promise((resolve) => {
      waiting.resolve = resolve;
      this.#waiting.add(waiting);
    });
    return within(arrival, () => `event ${name}; received: ${JSON.stringify(this.log.slice(-8))}`, timeout).finally(() => this.#waiting.delete(waiting));
  }

  /** The names of events that nobody has taken. */
  get untaken() {
    return this.#inbox.map((m) => m.event);
  }

  forget() {
    this.#inbox.length = 0;
  }

  /**
   * Returns when everything that the worker sent before now has arrived: a request's way there and back passes the same
   * queues. Needs a joined client.
   */
  settled() {
    return this.request('candidate', { candidate: '' });
  }

  /** Cuts the connection as a dead network would: no close frame. */
  cut() {
    this.socket.terminate();
    return this.closed;
  }

  /** Waits for the close code. */
  async closeCode(timeout) {
    return (await within(this.closed, 'close', timeout)).code;
  }

  async close() {
    this.socket.close(1000);
    await within(this.closed, 'close', 3000).catch(() => this.socket.terminate());
  }
}
