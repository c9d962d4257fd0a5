// tests/system/resume.test.mjs: a WebSocket breaks and the call goes on: no packet is lost, nobody leaves, and who comes back in
// time finds everything as it is; who comes too late or with a wrong key finds nothing.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { Peer } from './lib/peer.mjs';
import { end, Server } from './lib/server.mjs';
import { pause, until } from './lib/until.mjs';

const CUT_MS = 10_000;

let server;
/** Forgets a lost session after two seconds. */
let forgetful;

before(async () => {
  server = await Server.start();
  forgetful = await Server.start({ args: ['--set', 'rooms.resume_window_seconds=2'] });
});

after(async () => {
  await end(server);
  await end(forgetful);
});

const names = (client) => client.log.filter((m) => m.event).map((m) => m.event);
async function resume(at, { session, resumeKey: key }) {
  const client = await Client.open(at.url);
  client.welcome = await client.request('hello', { version: 1, resume: { session, key } });
  return client;
}

test('ten seconds without WebSocket: media loses no packet, the others see it, sync tells all', { timeout: 60_000 }, async () => {
  const room = 'resume';
  const anna = await Peer.join(server, { room, name: 'Anna' }, { camera: { colour: 60 }, microphone: { hertz: 400 } });
  const ben = await Peer.join(server, { room, name: 'Ben', role: 'patient' }, { camera: { colour: 200 }, microphone: { hertz: 900 } });
  const carl = await Client.join(server, { room, name: 'Carl', role: 'interpreter' });
  try {
    await Promise.all([anna.perceives(ben), ben.perceives(anna)]);
    // From here on every packet counts.
    const start = await Promise.all([anna, ben].map((p) => p.received()));
    for (const p of [anna, ben]) for (const sink of p.sinks.values()) sink.restart?.();

    const began = performance.now();
    await ben.cut();
    const isBen = (connected) => (m) => m.participant.participant === ben.id && m.participant.connected === connected;
    for (const client of [anna.client, carl]) await client.event('participantUpdated', isBen(false));

    // Life goes on meanwhile.
    await anna.client.request('raiseHand', { raised: true });
    await anna.client.request('chat', { text: 'Is Ben there?' });
    await carl.request('setName', { name: 'Carl the second' });
    await anna.client.request('mute', { track: anna.tracks.microphone, muted: true });
    await anna.client.request('mute', { track: anna.tracks.microphone, muted: false });
    await anna.client.request('lock', { locked: true });
    const dora = await Client.join(server, { room, name: 'Dora', role: 'doctor' });
    assert.equal(dora.room.participants.find((p) => p.participant === ben.id).connected, false);

    let [a, b] = start;
    while (performance.now() - began < CUT_MS) {
      await pause(500);
      const [nextA, nextB] = [await anna.received(), await ben.received()];
      assert.ok(nextA.packets > a.packets + 10, 'Anna receives Ben all the time');
      assert.ok(nextB.packets > b.packets + 10, 'Ben receives Anna all the time');
      [a, b] = [nextA, nextB];
    }
    ben.release();
    await until(() => ben.resumes === 1, 'resumed');
    const { room: synced } = await ben.client.event('sync');
    assert.equal(ben.client.welcome.resumed, true);
    for (const client of [anna.client, carl, dora]) await client.event('participantUpdated', isBen(true));

    assert.deepEqual([a.lost, b.lost], [0, 0], 'packets lost');
    assert.deepEqual([a.nacks, b.nacks], [start[0].nacks, start[1].nacks], 'no sequence number was missing for a moment');
    for (const [seer, seen] of [[anna, ben], [ben, anna]]) assert.ok(seer.sink(seen, 'camera').gap() < 2000, 'frames kept coming');
    for (const client of [anna.client, carl, dora]) assert.ok(!names(client).includes('participantLeft'));
    assert.equal(names(carl).filter((n) => n === 'participantJoined').length, 1, 'only Dora');

    // What Ben was told is what somebody new is told, and what the server's own books say.
    const fresh = await Client.join(server, { room, name: 'Eve', role: 'doctor' });
    const { participants } = await server.room(room);
    assert.deepEqual(synced.participants, fresh.room.participants.filter((p) => p.name !== 'Eve'));
    assert.deepEqual(synced.chat, fresh.room.chat);
    assert.deepEqual([synced.locked, synced.createdAt, synced.id, synced.topology], [true, fresh.room.createdAt, room, fresh.room.topology]);
    assert.equal(synced.self, ben.id);
    const filled = (slots) => slots.filter((s) => s.track).map((s) => `${s.mid} ${s.track}`).sort();
    assert.deepEqual(filled(synced.slots), filled(participants.find((p) => p.participant === ben.id).slots));
    assert.equal(filled(synced.slots).length, 2);

    // And all goes on as ever.
    await ben.client.request('chat', { text: 'Here I am.' });
    assert.equal((await anna.client.event('chat', (m) => m.from === ben.id)).text, 'Here I am.');
    await Promise.all([dora, fresh].map((c) => c.close()));
  } finally {
    await Promise.all([anna.leave(), ben.leave(), carl.close()]);
  }
});

test('a wrong key, a wrong session, the key of another: session_not_found, and the session is untouched', async () => {
  const [mine, other] = await Promise.all(['Mine', 'Other'].map((name) => Client.join(server, { room: 'keys', name })));
  const { session, resumeKey: key } = mine.welcome;
  const wrong = [
    { session, key: 'f'.repeat(64) }, { session, key: other.welcome.resumeKey }, { session: other.welcome.session, key },
    { session: 's_nobody', key }, { session, key: key.toUpperCase() === key ? key.toLowerCase() : key.toUpperCase() },
  ];
  await mine.cut();
  for (const attempt of wrong) {
    const client = await Client.open(server.url);
    assert.equal(await client.refusal('hello', { version: 1, resume: attempt }), 'session_not_found', JSON.stringify(attempt));
    await client.close();
  }
  for (const attempt of [{ session }, { session, key: key.slice(1) }, { session, key: 7 }, 'x']) {
    const client = await Client.open(server.url);
    assert.equal(await client.refusal('hello', { version: 1, resume: attempt }), 'bad_request', JSON.stringify(attempt));
    await client.close();
  }
  const back = await resume(server, mine.welcome);
  assert.deepEqual([back.welcome.resumed, back.welcome.session, back.welcome.resumeKey], [true, session, key]);
  assert.equal((await back.event('sync')).room.self, mine.id);
  await Promise.all([back, other].map((c) => c.close()));
});

test('who resumes while the old socket still lives takes it over', async () => {
  const old = await Client.join(server, { room: 'takeover', name: 'One' });
  const fresh = await resume(server, old.welcome);
  assert.equal(await old.closeCode(), 4003);
  await fresh.event('sync');
  await fresh.request('chat', { text: 'still the same' });
  await fresh.close();
});

test('a session that had not joined resumes without sync, and can join', async () => {
  const guest = await Client.hello(server, { room: 'unjoined', name: 'Guest' });
  await guest.cut();
  const back = await resume(server, guest.welcome);
  await back.join();
  assert.ok(!names(back).includes('sync'));
  await back.close();
});

test('forty at once: a whole clinic loses its network and comes back', { timeout: 30_000 }, async () => {
  const room = 'clinic';
  const people = [];
  for (let i = 0; i < 40; i++) people.push(await Client.join(server, { room, name: `P${i}`, identity: `p${i}` }));
  const witness = await Client.join(server, { room, name: 'Witness', role: 'observer' });
  await Promise.all(people.map((p) => p.cut()));
  await until(async () => (await server.room(room)).participants.every((p) => p.hidden || !p.connected), 'all are lost');
  const back = await Promise.all(people.map((p) => resume(server, p.welcome)));
  const synced = await Promise.all(back.map((p) => p.event('sync')));
  assert.ok(synced.every(({ room: r }) => r.participants.length === 40));
  await until(async () => (await server.room(room)).participants.every((p) => p.connected), 'all are back');
  assert.ok(!names(witness).some((n) => n === 'participantLeft' || n === 'participantJoined'));
  await Promise.all([witness, ...back].map((c) => c.close()));
});

test('after the window: the others see it go, its media ends, and it is session_not_found', { timeout: 30_000 }, async () => {
  const room = 'late';
  const anna = await Peer.join(forgetful, { room, name: 'Anna' });
  const ben = await Peer.join(forgetful, { room, name: 'Ben', role: 'patient' });
  try {
    await anna.perceives(ben);
    const cutAt = performance.now();
    await ben.cut();
    assert.equal((await anna.client.event('participantUpdated', (m) => !m.participant.connected)).participant.participant, ben.id);
    const left = await anna.client.event('participantLeft');
    const after = performance.now() - cutAt;
    assert.deepEqual([left.participant, left.reason], [ben.id, 'lost']);
    assert.ok(after >= 1900 && after < 5000, `${after.toFixed(0)} ms`);
    await until(() => !anna.sink(ben, 'camera') && !anna.sink(ben, 'microphone'), 'its slots are empty');
    const late = await Client.open(forgetful.url);
    const { session, resumeKey: key } = ben.client.welcome;
    assert.equal(await late.refusal('hello', { version: 1, resume: { session, key } }), 'session_not_found');
    await late.close();
    // With a new token everything begins anew; the Peer does so by itself.
    const before = ben.id;
    ben.release();
    await until(() => ben.rejoins === 1, 'begun anew');
    await ben.recovery;
    await anna.perceives(ben);
    assert.notEqual(ben.id, before);
  } finally {
    await Promise.all([anna.leave(), ben.leave()]);
  }
});
