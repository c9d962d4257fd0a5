// tests/system/lib/play.mjs: plays examples of signaling/PROTOCOL.md: requests are sent as they stand (ids and the SDP put in), and
// what comes back must have the documented keys and types.

import assert from 'node:assert/strict';
import { errorCodes, examples } from './page.mjs';

/** Fields that a message may have or not. */
const OPTIONAL = new Set(['width', 'height', 'to', 'by', 'reason', 'message', 'username', 'credential', 'waiting', 'direct', 'attempt']);
/** Identifiers, keys and links: random, so an example's stands for one of now. */
const RANDOM = /^(?:[sptmwcg]_[\w-]{16,}|[0-9a-f]{64})$/;

export const example = (kind, name) => examples.find((b) => b.kind === kind && b.name === name).message;
const bare = (name) => (({ event, ...rest }) => rest)(example('event', name));
/** What stands in an array that the examples show empty. */
const ELEMENTS = {
  participants: () => [example('event', 'participantJoined').participant],
  tracks: () => [example('event', 'trackPublished').track],
  chat: () => [bare('chat')],
  slots: () => example('event', 'slots').slots,
  waiting: () => [bare('waitingAdded')],
  incoming: () => [bare('incomingCall')],
};

/** @returns {string | null} where `actual` is not of the shape of `documented` */
export function shapeFault(documented, actual, path) {
  if (Array.isArray(documented)) {
    if (!Array.isArray(actual)) return `${path}: ${JSON.stringify(actual)} is no array`;
    const models = documented.length ? documented : (ELEMENTS[path.split('.').pop()]?.() ?? []);
    for (const [i, element] of actual.entries()) {
      const faults = models.map((m) => shapeFault(m, element, `${path}[${i}]`));
      if (faults.every(Boolean)) return faults[0] ?? `${path}: an element of unknown shape`;
    }
    return null;
  }
  if (documented === null || typeof documented !== 'object') {
    const same = documented === null ? actual === null : typeof documented === typeof actual;
    return same ? null : `${path}: documented ${JSON.stringify(documented)}, is ${JSON.stringify(actual)}`;
  }
  if (actual === null || typeof actual !== 'object' || Array.isArray(actual)) return `${path}: ${JSON.stringify(actual)} is no object`;
  for (const key of new Set([...Object.keys(documented), ...Object.keys(actual)])) {
    if (!(key in documented) || !(key in actual)) {
      if (OPTIONAL.has(key)) continue;
      return `${path}.${key}: ${key in actual ? `not documented: ${JSON.stringify(actual[key])}` : 'is missing'}`;
    }
    const fault = shapeFault(documented[key], actual[key], `${path}.${key}`);
    if (fault) return fault;
  }
  return null;
}

export class Play {
  /** The page's ids, keys and numbers of attempts, and what they are now. */
  known = new Map();
  #reply;

  /**
   * @param {object} stage
   * @param {(kind: string, name: string, section: number) => import('./client.mjs').Client} stage.speaker who sends a request
   * @param {Record<string, () => Promise<any>>} stage.before by "kind name": what has to be so before a request
   * @param {Record<string, () => Promise<any>>} stage.causes by event: makes it happen and returns it
   */
  constructor({ speaker, before, causes }) {
    Object.assign(this, { speaker, before, causes });
  }

  #learn(documented, actual) {
    if (typeof documented === 'string' && RANDOM.test(documented)) this.known.set(documented, actual);
    if (documented === null || typeof documented !== 'object' || actual === null || typeof actual !== 'object') return;
    if (actual.attempt) this.known.set('attempt', actual.attempt);
    for (const key of Object.keys(documented)) if (key in actual) this.#learn(documented[key], actual[key]);
  }

  filled(value, key) {
    if (key === 'attempt') return this.known.get('attempt') ?? value;
    if (typeof value === 'string') return this.known.get(value) ?? value;
    if (value === null || typeof value !== 'object') return value;
    if (Array.isArray(value)) return value.map((v) => this.filled(v));
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, this.filled(v, k)]));
  }

  async #block({ kind, name, message, section }) {
    if (kind.startsWith('request')) {
      await this.before[`${kind} ${name}`]?.();
      this.#reply = await this.speaker(kind, name, section).exchange(this.filled(message));
      await this.after?.(kind, name, this.#reply);
    } else if (kind === 'reply' || kind === 'error') {
      assert.equal(shapeFault(message, this.#reply, 'reply'), null);
      if (kind === 'error') {
        assert.equal(this.#reply.error.code, message.error.code);
        assert.ok(errorCodes.includes(this.#reply.error.code), 'the code is in the list');
      }
      this.#learn(message, this.#reply);
    } else {
      assert.ok(this.causes[name], 'this test knows how to bring the event about');
      const actual = await this.causes[name]();
      assert.equal(shapeFault(message, actual, 'event'), null);
      this.#learn(message, actual);
    }
  }

  /** One subtest a block, in order. */
  async run(t, blocks) {
    for (const block of blocks) await t.test(`line ${block.line}: ${block.kind} ${block.name}`, () => this.#block(block));
  }
}
