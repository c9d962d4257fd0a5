// tests/browser/direct_rules.test.mjs: the rules beneath the change between server and direct connection, without a browser: when
// the other connection's media can be shown (receivers with counters of our own, in virtual time), and what is said and kept.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MediaReady } from '../../server/web/sdk/media_ready.js';
import { Topology } from '../../server/web/sdk/topology.js';
import { judge, percentile } from '../../bench/switch/figures.mjs';

let now = 0;
Object.defineProperty(globalThis, 'performance', { value: { now: () => now }, configurable: true });

/** A receiver that has got `rate` pictures a second (or, of sound, plays 48000 samples) since `from`. */
function receiver(kind, { rate = 30, from = 0, height = 180, since = () => Math.max(0, now - from) / 1000 } = {}) {
  const stats = () => (kind === 'video'
    ? { type: 'inbound-rtp', framesDecoded: Math.floor(since() * rate), frameHeight: since() > 0 ? height : 0, packetsReceived: Math.floor(since() * rate) }
    : { type: 'inbound-rtp', packetsReceived: Math.floor(since() * 50), totalSamplesReceived: since() * 48000, concealedSamples: 0 });
  return { track: { kind }, getStats: async () => new Map([['in', stats()]]) };
}

/** @returns {Promise<number>} ms after which all of it is ready, asked every 100 ms */
async function readyAfter(wanted, urgent = false) {
  const ready = new MediaReady(urgent);
  const began = now;
  while (!(await ready.check(wanted))) {
    now += 100;
    assert.ok(now - began < 10_000, 'never ready');
  }
  return now - began;
}

test('pictures at the rate and of the size of those that show, and sound, are ready after the time that shows it', async () => {
  const shown = receiver('video');
  const wanted = [{ receiver: receiver('video'), shown, height: 180 }, { receiver: receiver('audio') }];
  now = 5000;
  const took = await readyAfter(wanted);
  assert.ok(took >= 500 && took <= 700, `${took}`);
});

test('an encoder that leaves pictures out is waited for, but not for ever', async () => {
  now = 10_000;
  const shown = receiver('video');
  // Ten a second at first, all of them after 800 ms.
  const began = now;
  const growing = receiver('video', { since: () => { const s = Math.max(0, now - began) / 1000; return s < 0.8 ? s / 3 : s - 0.8 + 0.8 / 3; } });
  const took = await readyAfter([{ receiver: growing, shown, height: 180 }]);
  assert.ok(took >= 1100 && took <= 1600, `${took}`);
  const thin = receiver('video', { rate: 10, from: now });
  assert.ok((await readyAfter([{ receiver: thin, shown, height: 180 }])) <= 1700);
});

test('a picture that is small at first is waited for, but not for ever', async () => {
  now = 20_000;
  const shown = receiver('video');
  assert.ok((await readyAfter([{ receiver: receiver('video', { from: now, height: 90 }), shown, height: 180 }])) >= 1000);
  assert.ok((await readyAfter([{ receiver: receiver('video', { from: now, height: 180 }), shown, height: 180 }])) < 1000);
});

test('when time runs out a thin picture will do', async () => {
  now = 25_000;
  const ready = new MediaReady(false);
  const wanted = [{ receiver: receiver('video', { from: now, height: 45, rate: 10 }), shown: receiver('video'), height: 180 }];
  for (; now < 25_800; now += 100) assert.equal(await ready.check(wanted), false);
  ready.hurry();
  assert.equal(await ready.check(wanted), true);
});

test('where nothing shows any more the first picture will do', async () => {
  now = 30_000;
  const took = await readyAfter([{ receiver: receiver('video', { from: now, height: 45 }), shown: receiver('video', { since: () => 3 }), height: 180 }, { receiver: receiver('audio', { from: now }) }], true);
  assert.ok(took > 0 && took <= 200, `${took}`);
});

test('nothing that comes is not ready', async () => {
  now = 40_000;
  const ready = new MediaReady(false);
  const silent = receiver('video', { since: () => 1 });
  for (; now < 45_000; now += 100) assert.equal(await ready.check([{ receiver: silent, shown: receiver('video'), height: 180 }]), false);
});

// ---- what is said, and what is kept ----------------------------------------------------------------------------------

/** A connection that never connects. */
class Connection {
  static all = [];
  connectionState = 'new';
  signalingState = 'stable';
  closed = false;

  constructor() {
    Connection.all.push(this);
  }

  getTransceivers() {
    return [];
  }

  close() {
    this.closed = true;
  }

  becomes(state) {
    this.connectionState = state;
    this.onconnectionstatechange();
  }
}

/** A member's half of attempt 1, and what it says of it. */
function begin() {
  Object.assign(globalThis, { RTCPeerConnection: Connection, MediaStream: class {} });
  const told = { states: [], sending: [] };
  const topology = new Topology({
    request: async (type, fields) => told.states.push(fields.state),
    setSending: (on) => told.sending.push(on),
    localMedia: () => null, publications: () => [], slotReceiver: () => null, show: () => {}, self: () => 'p_1', speak: () => {}, told: () => {}, changed: () => {},
  });
  topology.event('direct', { attempt: 1, peer: 'p_2', polite: true, iceTransportPolicy: 'all', iceServers: [] });
  return { topology, told, connection: Connection.all.at(-1) };
}

test('who is called back sends to the server and says so, at once', async () => {
  const { topology, told } = begin();
  topology.event('topologyChanging', { attempt: 1, to: 'sfu', reason: 'room' });
  assert.deepEqual(told.sending, [true]);
  assert.equal(told.states[0], 'sending');
  topology.event('topology', { attempt: 1, topology: 'sfu' });
  assert.deepEqual(told.states.filter((s) => s === 'sending').length, 1);
});

test('an attempt that ends without a call back: the same', () => {
  const { topology, told, connection } = begin();
  topology.event('topology', { attempt: 1, topology: 'sfu' });
  assert.deepEqual([told.sending, told.states, connection.closed], [[true], ['sending'], true]);
});

test('a connection that the other one may live on is kept until the other one closes it, or ten seconds', () => {
  const real = globalThis.setTimeout;
  /** @type {{done: () => void, ms: number}[]} */ const timers = [];
  globalThis.setTimeout = (done, ms) => timers.push({ done, ms });
  const first = begin();
  first.topology.event('topology', { attempt: 1, topology: 'sfu', forced: true });
  assert.equal(first.connection.closed, false);
  const [lastly, ...more] = timers.filter((t) => t.ms === 10_000);
  assert.deepEqual(more, []);
  lastly.done();
  assert.equal(first.connection.closed, true);
  const second = begin();
  second.topology.event('topology', { attempt: 1, topology: 'sfu', forced: true });
  second.connection.becomes('disconnected');
  assert.equal(second.connection.closed, true);
  const third = begin();
  third.topology.event('topology', { attempt: 1, topology: 'sfu', forced: true });
  third.topology.close();
  assert.equal(third.connection.closed, true);
  globalThis.setTimeout = real;
});

// ---- how bench/switch.mjs judges a change ---------------------------------------------------------------------------

/** Pictures 33 ms apart from 0 to 2000, without those between `from` and `to`. */
const pictures = (from = 0, to = 0) => {
  const list = [];
  for (let n = 0; n < 60; n++) if (!(n * 33 > from && n * 33 < to)) list.push([n * 33, n * 33 + 2, n * 33 - 10, null, 1000 + n * 33 * 90, n]);
  return list;
};

test('a change is judged by its longest pause; the machine spoils a window when something else stood still then', () => {
  const calm = { own: pictures(), control: pictures(), drawn: pictures() };
  const missed = judge({ ...calm, frames: pictures(1000, 1100) }, pictures(), 1000);
  assert.equal(missed.gap, 132);
  assert.equal(Math.round(missed.media), 132, 'pictures that never came: three are missing in the media, too');
  assert.equal(missed.missed, 3);
  assert.deepEqual(missed.spoiled, []);
  assert.equal(judge({ ...calm, frames: pictures(200, 400) }, pictures(), 1000).gap, 33, 'what was before does not belong to it');
  assert.equal(judge({ ...calm, frames: [] }, pictures(), 1000), null);
  for (const key of ['own', 'control', 'drawn']) {
    assert.deepEqual(judge({ ...calm, frames: pictures(1000, 1100), [key]: pictures(1000, 1100) }, pictures(), 1000).spoiled, [key]);
    assert.deepEqual(judge({ ...calm, frames: pictures(1000, 1100), [key]: pictures(1400, 1500) }, pictures(), 1000).spoiled, [], 'at another time');
  }
  assert.deepEqual(judge({ ...calm, frames: pictures(1000, 1100) }, pictures(900, 1000), 1000).spoiled, ['source'], 'a picture needs time to come here');
});

test('of ten values the median is the fifth, and the 95th percentile the last', () => {
  const values = [9, 1, 8, 2, 7, 3, 6, 4, 5, 10];
  assert.deepEqual([0.5, 0.9, 0.95, 1].map((p) => percentile(values, p)), [5, 9, 10, 10]);
});
