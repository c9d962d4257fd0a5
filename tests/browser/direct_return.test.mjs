// tests/browser/direct_return.test.mjs: from the direct connection back to the server, without a browser, in virtual time: what is
// seen when the server's picture falters around the change, as a real sender's does that begins another layer.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { install, pass } from './lib/virtual_time.mjs';

install();
const FRAME_MS = 33;
const { Topology } = await import('../../server/web/sdk/topology.js');

/** Pictures 30 times a second since `from`, without those that `missing` leaves out. */
class Source {
  constructor(from, missing = () => false, height = () => 180) {
    Object.assign(this, { from, missing, height });
  }

  /** @param {number} at how many there were until then */
  frames(at) {
    let n = 0;
    for (let t = this.from; t <= at; t += FRAME_MS) if (!this.missing(t)) n++;
    return n;
  }
}

const receiver = (kind, source) => ({
  track: { kind, source },
  getStats: async () => {
    const now = performance.now();
    const s = Math.max(0, now - source.from) / 1000;
    return new Map([['in', kind === 'video'
      ? { type: 'inbound-rtp', framesDecoded: source.frames(now), frameHeight: source.height(now), packetsReceived: source.frames(now) }
      : { type: 'inbound-rtp', packetsReceived: Math.floor(s * 50), totalSamplesReceived: s * 48000, concealedSamples: 0 }]]);
  },
});

/** Shows what it is given, and keeps when a picture came, of which source. */
class Video {
  isConnected = true;
  videoWidth = 320;
  videoHeight = 180;
  clientWidth = 320;
  clientHeight = 180;
  shown = [];
  #callbacks = [];

  requestVideoFrameCallback(done) {
    this.#callbacks.push(done);
  }

  /** @param {Source} source */
  watch(source) {
    let seen = source.frames(performance.now());
    clearInterval(this.timer);
    this.timer = setInterval(() => {
      const frames = source.frames(performance.now());
      if (frames === seen) return;
      seen = frames;
      const presentationTime = performance.now();
      this.shown.push({ at: presentationTime, source });
      for (const done of this.#callbacks.splice(0)) done(presentationTime, { presentationTime });
    }, 1);
  }

  /** The longest time without a picture. */
  longest(from) {
    const times = this.shown.map((s) => s.at).filter((t) => t >= from);
    return Math.max(...times.map((t, i) => (i ? t - times[i - 1] : 0)));
  }
}

class Connection {
  connectionState = 'connected';
  signalingState = 'stable';
  transceivers = [];

  addTransceiver(kind) {
    const n = this.transceivers.push({ sender: { replaceTrack: async () => {} }, receiver: Connection.receivers[this.transceivers.length] });
    assert.equal(this.transceivers[n - 1].receiver.track.kind, kind);
    return this.transceivers[n - 1];
  }

  getTransceivers() {
    return this.transceivers;
  }

  async setLocalDescription() {}

  async getStats() {
    return new Map([['in', { type: 'inbound-rtp', packetsReceived: Math.floor(performance.now()) }]]);
  }

  close() {}
}

class Silent {
  play = async () => {};
}

Object.assign(globalThis, { RTCPeerConnection: Connection, MediaStream: class {}, HTMLVideoElement: Video, Audio: Silent });
Object.assign(globalThis, { document: { visibilityState: 'visible' } });

let world;

/** A direct call that has gone on for two seconds; from `sending` on the server sends `slot`. @param {(from: number) => Source} slotOf */
async function directCall(slotOf) {
  const began = performance.now();
  const video = new Video();
  const direct = new Source(began);
  const nothing = new Source(Infinity);
  let slot = new Source(began);
  const server = { camera: () => receiver('video', slot), microphone: () => receiver('audio', slot) };
  Connection.receivers = [receiver('audio', direct), receiver('video', direct), receiver('video', nothing), receiver('audio', nothing)];
  const said = [];
  const publication = (source, kind, elements) => ({ id: source, source, kind, muted: false, track: { elements: new Set(elements) } });
  const publications = [publication('camera', 'video', [video]), publication('microphone', 'audio', [])];
  const slots = new Map();
  const topology = new Topology({
    request: async (type, { state, gapMs }) => said.push({ state, gapMs, at: performance.now() }),
    setSending: () => {}, localMedia: () => null, publications: () => publications, self: () => 'p_1', speak: () => {}, told: () => {}, changed: () => {},
    slotReceiver: (id) => slots.get(id) ?? slots.set(id, server[id]()).get(id),
    show: () => video.watch(topology.mediaOf('p_2', 'camera')?.source ?? slot),
  });
  video.watch(slot);
  topology.event('direct', { attempt: 1, peer: 'p_2', polite: false, iceTransportPolicy: 'all', iceServers: [] });
  await pass(2500);
  topology.event('topology', { attempt: 1, topology: 'p2p' });
  await pass(1000);
  assert.equal(video.shown.at(-1).source, direct, 'direct');
  slot = slotOf(performance.now() + 60);
  slots.clear();
  world = { topology, video, said, direct, slot, from: performance.now() };
  topology.event('topologyChanging', { attempt: 1, to: 'sfu', reason: 'room' });
}

const showsServer = () => world.video.shown.at(-1).source === world.slot;
const swapped = () => world.said.find((s) => s.state === 'swapped');

beforeEach(() => pass(100));

test('a steady picture over the server is taken, and the other way kept for half a second more', async () => {
  await directCall((from) => new Source(from));
  await pass(850);
  assert.ok(showsServer());
  assert.equal(swapped(), undefined);
  await pass(600);
  assert.ok(swapped());
  assert.ok(world.video.longest(world.from) <= 67, `${world.video.longest(world.from)} ms`);
});

test('a picture that is small at first, and then stands still, is not taken while it does', async () => {
  // For two seconds a small one, without a picture from 1000 to 1400 ms, when its sender begins another layer.
  await directCall((from) => new Source(from, (t) => t > from + 1000 && t < from + 1400, (t) => (t < from + 1400 ? 45 : 180)));
  await pass(3500);
  assert.ok(showsServer() && swapped());
  assert.ok(world.video.longest(world.from) <= 67, `${world.video.longest(world.from)} ms`);
});

test('one that stays small is taken in the end, while it moves', async () => {
  const still = (t, from) => t > from + 3350 && t < from + 3700;
  await directCall((from) => new Source(from, (t) => still(t, from), () => 45));
  await pass(5000);
  assert.ok(showsServer() && swapped());
  assert.ok(world.video.longest(world.from) <= 67, `${world.video.longest(world.from)} ms`);
});

for (const ms of [20, 120, 250, 400, 500]) {
  test(`a picture that stops ${ms} ms after the change is left again`, async () => {
    let change = Infinity;
    await directCall((from) => new Source(from, (t) => t > change + ms && t < change + ms + 320));
    while (!showsServer()) await pass(1);
    change = performance.now();
    await pass(3000);
    assert.ok(showsServer() && swapped(), 'in the end it is taken');
    assert.ok(swapped().at > change + ms + 320 + 1000, 'not before it has flowed again, for as long as at first');
    const longest = world.video.longest(world.from);
    assert.ok(longest > FRAME_MS && longest <= 110, `${longest} ms`);
    const told = world.said.filter((s) => s.state === 'swapped' && s.gapMs !== undefined);
    assert.equal(told.length, 1);
    assert.ok(Math.abs(told[0].gapMs - longest) <= 1, `told ${told[0].gapMs}`);
  });
}

test('where both stand still the change is not taken back: it is the machine, or the other one’s camera', async () => {
  let change = Infinity;
  const stop = (t) => t > change + 100 && t < change + 420;
  await directCall((from) => new Source(from, stop));
  world.direct.missing = stop;
  while (!showsServer()) await pass(1);
  change = performance.now();
  await pass(700);
  assert.ok(swapped() && swapped().at < change + 600);
  assert.ok(world.video.shown.filter((s) => s.at > change).every((s) => s.source === world.slot));
});

test('a picture that nobody sees is not waited for', async () => {
  document.visibilityState = 'hidden';
  await directCall((from) => new Source(from, () => true)); // only its sound comes
  await pass(1000);
  assert.ok(swapped());
  document.visibilityState = 'visible';
});
