// tests/browser/web_still_rules.test.mjs: the rules beneath clinical stills and pointers, without a browser: a still over a thin,
// lossy, breaking link in virtual time, hostile messages of both kinds, and where a place of a picture lies in its element.

import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import { test } from 'node:test';
import { contentBox, fromPicture, toPicture } from '../../server/web/app/content_box.js';
import { Emitter } from '../../server/web/sdk/emitter.js';
import { decodePlace, encodePlace, Pointer } from '../../server/web/sdk/pointer.js';
import { Stills } from '../../server/web/sdk/still.js';
import { decodeStill, encodeStill, MOST_STILL_BYTES, newStillId } from '../../server/web/sdk/still_wire.js';

globalThis.crypto ??= webcrypto; // Debian 12's Node.js keeps it to itself

// ---- a world in virtual time ---------------------------------------------------------------------------------------

let now = 0;
let events = [];
let serial = 0;
const at = (when, act) => {
  const id = { serial: ++serial };
  events.push({ when, act, id });
  return id;
};
const realClear = globalThis.clearTimeout;
globalThis.window = { setTimeout: (act, ms) => at(now + ms, act) };
globalThis.clearTimeout = (id) => (typeof id?.serial === 'number' ? (events = events.filter((e) => e.id !== id)) : realClear(id));
Object.defineProperty(globalThis, 'performance', { value: { now: () => now }, configurable: true });
globalThis.createImageBitmap = async () => ({ width: 4000, height: 3000, close() {} });

/** Hashes and blobs are worked on beside the loop: they are counted, so that virtual time can stand still for them. */
let beside = 0;
for (const [owner, name] of [[Object.getPrototypeOf(crypto.subtle), 'digest'], [Blob.prototype, 'arrayBuffer']]) {
  const real = owner[name];
  owner[name] = async function (...rest) {
    beside++;
    try {
      return await real.apply(this, rest);
    } finally {
      beside--;
    }
  };
}

/** Lets promises settle; takes turns of the real loop, but no virtual time. */
const settle = async () => {
  for (let i = 0; i < 4 || beside > 0; i++) await new Promise((resolve) => setImmediate(resolve));
};

async function run(until, limit = 600_000) {
  await settle();
  while (!until()) {
    assert.ok(events.length > 0, 'nothing more will happen');
    const next = events.reduce((a, b) => (b.when < a.when || (b.when === a.when && b.id.serial < a.id.serial) ? b : a));
    assert.ok(next.when < limit, `not done after ${limit / 1000} s`);
    events = events.filter((e) => e !== next);
    now = next.when;
    next.act();
    await settle();
  }
}

function random(seed) {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Two rooms whose data runs over a link of `bps`; `queued` tells how long a packet of sound would wait now. */
function world({ bps = 2e6, delayMs = 25, loss = 0, seed = 1 } = {}) {
  now = 0;
  events = [];
  const dice = random(seed);
  const rooms = {};
  let busyUntil = 0;
  const link = { up: true, carried: 0, queued: () => Math.max(0, busyUntil - now) };
  for (const [name, role, other] of [['doctor', 'doctor', 'patient'], ['patient', 'patient', 'doctor']]) {
    const room = new Emitter();
    rooms[name] = room;
    room.localParticipant = { identity: name, role };
    room.connectionQuality = 'good';
    room.remoteParticipants = new Map([[`p_${other}`, { id: `p_${other}`, identity: other, name: other, role: other }]]);
    room.sendData = async (payload, { reliable = true } = {}) => {
      if (!link.up) return;
      const copy = payload.slice();
      let leaves = now;
      if (name === 'patient') {
        busyUntil = Math.max(busyUntil, now) + ((copy.length + 60) * 8000) / bps;
        leaves = busyUntil;
        link.carried += copy.length;
      }
      if (dice() < loss) return;
      at(leaves + delayMs, () => {
        if (link.up) rooms[other].emit('dataReceived', copy, rooms[other].remoteParticipants.get(`p_${name}`), reliable);
      });
    };
  }
  return { ...rooms, link };
}

function photo(bytes, seed = 7) {
  const dice = random(seed);
  const data = new Uint8Array(bytes).map(() => dice() * 256);
  data.set([0xff, 0xd8, 0xff]);
  return new Blob([data], { type: 'image/jpeg' });
}

/** The doctor asks, the patient agrees to `picture`; resolves with what came of it. */
async function transfer({ doctor, patient }, picture, meddle = () => {}) {
  const outcome = {};
  const [asking, answering] = [new Stills(doctor), new Stills(patient)];
  answering.on('asked', (request) => {
    request.on('sent', () => (outcome.sent = true));
    request.on('ended', (reason) => (outcome.gaveUp = reason));
    request.send(picture);
  });
  const asked = asking.ask(doctor.remoteParticipants.get('p_patient'));
  asked.on('received', (blob, info) => Object.assign(outcome, { blob, info }));
  asked.on('ended', (reason) => (outcome.reason = reason));
  asked.on('progress', (fraction) => meddle(fraction));
  await run(() => (outcome.blob || outcome.reason) && (outcome.sent || outcome.gaveUp));
  for (const stills of [asking, answering]) stills.close();
  return outcome;
}

const same = async (a, b) => Buffer.compare(Buffer.from(await a.arrayBuffer()), Buffer.from(await b.arrayBuffer())) === 0;

// ---- stills --------------------------------------------------------------------------------------------------------

test('a still arrives bit by bit as it was, with what the camera said of it', async () => {
  const picture = photo(900_000);
  const { blob, info, sent } = await transfer(world(), picture);
  assert.ok(sent && (await same(blob, picture)));
  assert.equal(blob.type, 'image/jpeg');
  assert.equal(`${info.width}×${info.height}`, '4000×3000');
});

test('on a thin link sound waits 160 ms at most, below 100 as a rule, and most of the link is used', async () => {
  const w = world({ bps: 400_000, delayMs: 30 });
  const waits = [];
  const listen = () => {
    waits.push(w.link.queued()); // one packet of sound each 20 ms
    at(now + 20, listen);
  };
  listen();
  const picture = photo(600_000);
  await transfer(w, picture);
  waits.sort((a, b) => a - b);
  assert.ok(waits.at(-1) < 160, `at most ${waits.at(-1)} ms`);
  assert.ok(waits[Math.floor(waits.length * 0.95)] < 100, `95 of 100 below ${waits[Math.floor(waits.length * 0.95)]} ms`);
  const used = (w.link.carried * 8) / (now / 1000) / 400_000;
  assert.ok(used > 0.6, `${used.toFixed(2)} of the link`);
});

test('losses are made up for, for every seed', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const picture = photo(120_000, seed);
    const w = world({ loss: 0.05, seed });
    const { blob } = await transfer(w, picture);
    assert.ok(blob && (await same(blob, picture)), `seed ${seed}`);
    assert.ok(w.link.carried < 4 * 120_000, `seed ${seed}: ${w.link.carried} bytes for 120000`);
  }
});

test('it goes on where it was when the connection was lost, or somebody came back under another id', async () => {
  const picture = photo(400_000);
  const w = world();
  let cut = false;
  const { blob } = await transfer(w, picture, (fraction) => {
    if (cut || fraction < 0.5) return;
    cut = true;
    w.link.up = false;
    at(now + 20_000, () => {
      w.link.up = true;
      const back = { ...w.doctor.remoteParticipants.get('p_patient'), id: 'p_patient' };
      w.doctor.remoteParticipants.set('p_patient', back);
      w.patient.emit('mediaStateChanged', 'connected');
      w.doctor.emit('mediaStateChanged', 'connected');
    });
  });
  assert.ok(cut && (await same(blob, picture)));
  assert.ok(w.link.carried < 460_000, `${w.link.carried} bytes: not all over again`);
});

test('a changed byte is found; the picture is thrown away', async () => {
  const w = world();
  const send = w.patient.sendData;
  w.patient.sendData = (payload, options) => {
    const message = decodeStill(payload);
    if (message?.kind === 'piece' && message.offset > 10_000) payload[payload.length - 1] ^= 1;
    return send(payload, options);
  };
  const { blob, reason, gaveUp } = await transfer(w, photo(50_000));
  assert.deepEqual([blob, reason, gaveUp], [undefined, 'damaged', 'damaged']);
});

test('what does not begin as its type says is no photo', async () => {
  const { blob, reason } = await transfer(world(), new Blob([new Uint8Array(3000).fill(60)], { type: 'image/jpeg' }));
  assert.deepEqual([blob, reason], [undefined, 'damaged']);
});

test('only doctors are heard, nobody is asked twice at once, and a no is a no', async () => {
  const w = world();
  const asked = [];
  const answering = new Stills(w.patient);
  answering.on('asked', (request) => asked.push(request));
  assert.throws(() => answering.ask(w.patient.remoteParticipants.get('p_doctor')), { code: 'forbidden' });
  const stranger = { id: 'p_x', identity: 'x', name: 'x', role: 'interpreter' };
  w.patient.emit('dataReceived', encodeStill({ kind: 'ask', id: newStillId() }), stranger, true);
  w.patient.emit('dataReceived', encodeStill({ kind: 'ask', id: newStillId() }), undefined, true);
  assert.equal(asked.length, 0);
  const asking = new Stills(w.doctor);
  const patient = w.doctor.remoteParticipants.get('p_patient');
  const first = asking.ask(patient);
  assert.throws(() => asking.ask(patient), { code: 'busy' });
  let reason = '';
  first.on('ended', (why) => (reason = why));
  await run(() => asked.length === 1);
  w.patient.emit('dataReceived', encodeStill({ kind: 'ask', id: newStillId() }), w.patient.remoteParticipants.get('p_doctor'), true);
  assert.equal(asked.length, 1, 'a second one is refused');
  asked[0].refuse();
  await run(() => reason !== '');
  assert.equal(reason, 'declined');
  w.patient.emit('dataReceived', encodeStill({ kind: 'ask', id: asked[0].id }), w.patient.remoteParticipants.get('p_doctor'), true);
  assert.equal(asked.length, 1, 'the same is not asked again');
});

test('nobody can push a picture that was not asked for, or one of somebody else', async () => {
  const w = world();
  const asking = new Stills(w.doctor);
  const patient = w.doctor.remoteParticipants.get('p_patient');
  const asked = asking.ask(patient);
  let progress = 0;
  asked.on('progress', () => progress++);
  const info = { type: 'image/jpeg', bytes: 10, width: 1, height: 1, sha256: '0'.repeat(64), takenAt: 1 };
  const push = (message, from = patient) => w.doctor.emit('dataReceived', encodeStill(message), from, true);
  push({ kind: 'offer', id: newStillId(), info });
  push({ kind: 'offer', id: asked.id, info }, { ...patient, identity: 'mallory' });
  push({ kind: 'piece', id: asked.id, offset: 0, data: new Uint8Array(5) });
  assert.equal(progress, 0);
  push({ kind: 'offer', id: asked.id, info });
  push({ kind: 'piece', id: asked.id, offset: 0, data: new Uint8Array(11) });
  push({ kind: 'piece', id: asked.id, offset: 2 ** 31, data: new Uint8Array(1) });
  push({ kind: 'offer', id: asked.id, info: { ...info, bytes: MOST_STILL_BYTES } });
  assert.equal(progress, 1, 'too much, elsewhere, another size: ignored');
  asking.close();
});

test('hostile still messages are no messages', () => {
  const id = newStillId();
  const info = { type: 'image/jpeg', bytes: 10, width: 1, height: 1, sha256: '0'.repeat(64), takenAt: 1 };
  assert.deepEqual(decodeStill(encodeStill({ kind: 'offer', id, info })), { kind: 'offer', id, info });
  const bad = [
    { bytes: MOST_STILL_BYTES + 1 }, { bytes: 0 }, { bytes: 1.5 }, { bytes: '10' }, { width: 1e6 }, { height: -1 }, { type: 'image/svg+xml' }, { type: 'text/html' },
    { sha256: 'x'.repeat(64) }, { sha256: null }, { takenAt: Infinity }, { takenAt: 9e15 },
  ];
  for (const change of bad) assert.equal(decodeStill(encodeStill({ kind: 'offer', id, info: { ...info, ...change } })), null, JSON.stringify(change));
  const head = encodeStill({ kind: 'ask', id });
  const raw = (kind, ...body) => Uint8Array.from([0x43, 0x53, kind, ...head.slice(3), ...body]);
  for (const bytes of [raw(0, 1), raw(7), raw(255), raw(3, 1, 2), raw(3, 1, 2, 3, 4, 5), raw(4, 0, 0, 0, 0), raw(5, 2), raw(5), raw(2), raw(2, 0xff, 0xfe), raw(2, 91)]) assert.equal(decodeStill(bytes), null);
  assert.equal(decodeStill(raw(1, 60, 98, 62)).code, 'failed', 'an unknown refusal is a failure');
  assert.equal(decodeStill(raw(4, ...new Uint8Array(4 + 16_385))), null, 'too large a piece');
  const dice = random(5);
  for (let i = 0; i < 2000; i++) {
    const noise = new Uint8Array(Math.floor(dice() * 80)).map(() => dice() * 256);
    noise.set([0x43, 0x53].slice(0, noise.length));
    decodeStill(noise);
    decodePlace(noise);
  }
});

// ---- pointers ------------------------------------------------------------------------------------------------------

test('a place goes there and back; what is malformed is nothing', () => {
  for (const [x, y] of [[0, 0], [1, 1], [0.25, 0.5]]) {
    const place = decodePlace(encodePlace('t_abc', x, y));
    assert.ok(Math.abs(place.x - x) < 1e-4 && Math.abs(place.y - y) < 1e-4 && place.track === 't_abc');
  }
  assert.equal(decodePlace(Uint8Array.from([0x43, 0x50, 0])), 'gone');
  for (const bytes of [[], [0x43], [0x43, 0x50], [0x43, 0x50, 0, 1], [0x43, 0x50, 1, 0, 0, 0, 0], [0x43, 0x50, 2, 0, 0, 0, 0, 65], [0x43, 0x50, 1, ...new Array(80).fill(65)]]) {
    assert.equal(decodePlace(Uint8Array.from(bytes)), null, String(bytes));
  }
});

test('a pointer is seen, held, gone when it stops, and never more than one for each', async () => {
  const w = world();
  const [mine, theirs] = [new Pointer(w.doctor), new Pointer(w.patient)];
  const seen = [];
  let gone = 0;
  theirs.on('moved', ({ x }) => seen.push(x));
  theirs.on('gone', () => gone++);
  for (let i = 0; i < 200; i++) mine.point('t_1', i / 200, 0.5);
  await run(() => seen.length >= 2);
  assert.equal(seen.at(-1), Math.round((199 / 200) * 65535) / 65535, 'the last place counts');
  await run(() => now > 5000);
  assert.equal(gone, 0, 'held as long as it points');
  assert.ok(seen.length < 12, `${seen.length} messages in 5 s of rest`);
  mine.hide();
  await run(() => gone === 1);
  for (let i = 0; i < 5000; i++) w.patient.emit('dataReceived', encodePlace(`t_${i}`, 0, 0), w.patient.remoteParticipants.get('p_doctor'), false);
  assert.ok(events.length <= 1, 'a flood leaves one timer');
  await run(() => gone === 2);
});

test('places in pictures: cut, with bars, mirrored', () => {
  const wide = contentBox(400, 400, 1600, 800, 'contain');
  assert.deepEqual(wide, { left: 0, top: 100, width: 400, height: 200 });
  assert.equal(toPicture(wide, 200, 50, false), null, 'a bar is beside the picture');
  assert.deepEqual(toPicture(wide, 100, 200, false), { x: 0.25, y: 0.5 });
  const cut = contentBox(400, 400, 1600, 800, 'cover');
  assert.deepEqual(cut, { left: -200, top: 0, width: 800, height: 400 });
  assert.deepEqual(toPicture(cut, 0, 200, false), { x: 0.25, y: 0.5 });
  assert.deepEqual(toPicture(cut, 0, 200, true), { x: 0.75, y: 0.5 });
  for (const mirrored of [false, true]) {
    const { left, top } = fromPicture(cut, 0.3, 0.7, mirrored);
    const back = toPicture(cut, left, top, mirrored);
    assert.ok(Math.abs(back.x - 0.3) < 1e-9 && Math.abs(back.y - 0.7) < 1e-9);
  }
  assert.equal(contentBox(0, 100, 10, 10, 'cover'), null);
  assert.equal(contentBox(100, 100, 0, 0, 'cover'), null);
});
