// tests/browser/signal_rules.test.mjs: requests that come faster than the server lets them, without a browser: a socket of our
// own that counts points as signaling/rate_limit.c does, in virtual time.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { install, pass } from './lib/virtual_time.mjs';

install();

const PER_SECOND = 20;
const COSTS = { hello: 10, join: 5, offer: 10, publish: 5 };
const ROUND_TRIP_MS = 40;

/** The server's end: `served` are the requests that were looked at, in order; `refused` counts the others. */
class Socket {
  static OPEN = 1;
  static /** @type {Socket} */ last;
  readyState = 1;
  served = [];
  refused = 0;
  points = 120;
  at = performance.now();

  constructor() {
    Socket.last = this;
    queueMicrotask(() => this.onopen?.());
  }

  send(text) {
    const message = JSON.parse(text);
    setTimeout(() => this.take(message), ROUND_TRIP_MS / 2);
  }

  take(message) {
    const cost = COSTS[message.type] ?? 1;
    this.points = Math.min(120, this.points + ((performance.now() - this.at) * PER_SECOND) / 1000);
    this.at = performance.now();
    if (this.points < cost) {
      this.refused += 1;
      return this.answer({ re: message.id, error: { code: 'rate_limited', message: '', retryAfterMs: Math.ceil(((cost - this.points) * 1000) / PER_SECOND) } });
    }
    this.points -= cost;
    this.served.push(message.type === 'hello' ? 'hello' : message.n);
    if (message.type === 'silent') return undefined;
    if (message.type === 'flood') return this.answer({ re: message.id, error: { code: 'rate_limited', message: 'too many people' } });
    return this.answer({ re: message.id, ok: { session: 's', resumeKey: 'k', n: message.n } });
  }

  answer(message) {
    setTimeout(() => this.readyState === 1 && this.onmessage?.({ data: JSON.stringify(message) }), ROUND_TRIP_MS / 2);
  }

  close() {
    this.readyState = 3;
  }
}
globalThis.WebSocket = /** @type {any} */ (Socket);
const { Signal } = await import('../../server/web/sdk/signal.js');

async function connected() {
  const signal = new Signal('ws://127.0.0.1/v1/ws', () => 'token');
  const welcome = signal.connect();
  await pass(100);
  await welcome;
  return { signal, socket: Socket.last };
}

test('what the server has no points for is asked again, in its order, and nobody hears of it', async () => {
  const { signal, socket } = await connected();
  const asked = Array.from({ length: 40 }, (_, n) => signal.request(['join', 'offer', 'publish', 'ping'][n % 4], { n }));
  await pass(12_000);
  const answers = await Promise.all(asked);
  assert.deepEqual(answers.map((a) => a.n), asked.map((_, n) => n));
  const first = socket.served.findIndex((n, i) => i > 0 && n !== i - 1); // what was cheap enough passed before; the rest in order
  const rest = socket.served.slice(first).filter((n) => n % 4 !== 3);
  assert.deepEqual(rest, [...rest].sort((a, b) => a - b));
  assert.ok(socket.refused > 0 && socket.refused < 60, `refused ${socket.refused}`);
  signal.close();
});

test('what is asked while others wait does not overtake them', async () => {
  const { signal, socket } = await connected();
  const join = Array.from({ length: 25 }, (_, n) => signal.request('join', { n }));
  await pass(ROUND_TRIP_MS);
  const late = signal.request('ping', { n: 99 });
  await pass(6000);
  await Promise.all([...join, late]);
  assert.equal(socket.served.at(-1), 99);
  signal.close();
});

test('a limit of another kind, and a request without an answer, are told', async () => {
  const { signal } = await connected();
  const flood = assert.rejects(signal.request('flood'), { code: 'rate_limited', message: 'too many people' });
  await pass(100);
  await flood;
  const joins = Array.from({ length: 22 }, (_, n) => signal.request('join', { n }));
  const silent = assert.rejects(signal.request('silent', { n: 50 }, 3000), { code: 'timeout' });
  const after = signal.request('ping', { n: 51 });
  await pass(8000);
  await Promise.all([...joins, silent]);
  assert.equal((await after).n, 51);
  signal.close();
});

test('a lost socket takes what waits along', async () => {
  const { signal } = await connected();
  const asked = Array.from({ length: 30 }, (_, n) => signal.request('join', { n }));
  const settled = Promise.allSettled(asked);
  await pass(ROUND_TRIP_MS);
  signal.simulateLoss();
  const codes = (await settled).filter((r) => r.status === 'rejected').map((r) => r.reason.code);
  assert.ok(codes.length >= 5 && codes.every((c) => c === 'connection_lost'), `${codes}`);
  await pass(3000);
  const again = signal.request('ping', { n: 1 });
  await pass(200);
  assert.equal((await again).n, 1);
  signal.close();
});
