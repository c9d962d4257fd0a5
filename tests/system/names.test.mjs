// tests/system/names.test.mjs: two hundred hostile names, as name, chat text, invitation and guest link: text that may be shown
// reaches everybody unchanged, text that may not reaches nobody, and nobody else's connection minds.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { NO_TEXT, NO_UTF8, REFUSED, SHOWN } from './lib/hostile_names.mjs';
import { end, Server } from './lib/server.mjs';
import { mint, SECRET_ARGS } from './lib/token.mjs';
import { until } from './lib/until.mjs';

const AT_ONCE = 8;
let server;
let witness;

before(async () => {
  server = await Server.start({ args: [...SECRET_ARGS, '--set', 'rooms.resume_window_seconds=0'] });
  witness = await Client.join(server, { token: mint({ room: 'names', role: 'doctor', name: 'Witness' }) });
});

after(async () => {
  await witness.close();
  await end(server);
});

/** A few at a time. */
async function each(list, work) {
  const rest = [...list.entries()];
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let next = rest.shift(); next; next = rest.shift()) await work(next[1], next[0]);
  }));
}

const bytes = (text) => Buffer.byteLength(text);

test('there are enough of them, all different', () => {
  const all = [...SHOWN, ...REFUSED, ...NO_TEXT, ...NO_UTF8.map(String)];
  assert.equal(new Set(all).size, all.length);
  assert.ok(all.length >= 200, `${all.length}`);
});

test('shown: the same everywhere, to the last byte', { timeout: 50_000 }, async () => {
  await each(SHOWN, async (name, i) => {
    const callee = await Client.hello(server, { token: mint({ room: undefined, calls: true, role: 'doctor', identity: `callee-${i}`, name }) });
    assert.equal(callee.welcome.name, name);
    const caller = await Client.join(server, { token: mint({ room: 'names', role: 'doctor', identity: `caller-${i}`, name }) });
    const joined = await witness.event('participantJoined', (m) => m.participant.identity === `caller-${i}`);
    assert.equal(joined.participant.name, name);
    assert.equal(caller.room.participants.find((p) => p.identity === `caller-${i}`).name, name);
    await caller.request('chat', { text: name, to: witness.id });
    const chat = await witness.event('chat', (m) => m.from === caller.id);
    assert.deepEqual([chat.text, chat.name], [name, name]);
    const message = bytes(name) <= 200 ? name : undefined;
    await caller.request('invite', { to: [`callee-${i}`], message });
    const call = await callee.event('incomingCall');
    assert.deepEqual([call.from.name, call.message], [name, message ?? call.message]);
    await caller.request('setName', { name: `${i}` });
    await caller.request('setName', { name });
    await witness.event('participantUpdated', (m) => m.participant.identity === `caller-${i}` && m.participant.name === name);
    const shown = await server.room('names');
    assert.equal(shown.participants.find((p) => p.participant === caller.id).name, name);
    await Promise.all([caller.close(), callee.close()]);
  });
});

test('refused: as a name, in a chat, to the one who is called; nobody hears of it', { timeout: 50_000 }, async () => {
  const heard = witness.log.length;
  await each(REFUSED, async (name) => {
    const stranger = await Client.open(server.url);
    // A token without a name says nothing; an empty one, likewise.
    if (name) assert.equal(await stranger.refusal('hello', { version: 1, token: mint({ room: 'names', name }) }), 'token_invalid');
    await stranger.close();
    const client = await Client.join(server, { token: mint({ room: 'names', role: 'doctor', name: 'Nobody' }) });
    assert.equal(await client.refusal('setName', { name }), 'bad_request', JSON.stringify(name));
    assert.equal(await client.refusal('createGuestLink', { role: 'patient', name }), 'bad_request');
    if (name) assert.equal(await client.refusal('invite', { to: ['nobody'], message: name }), 'bad_request');
    // As a chat message it may be longer and have lines.
    if (bytes(name) < 200 && !/[\n\t]/.test(name)) assert.equal(await client.refusal('chat', { text: name }), 'bad_request');
    assert.equal((await server.room('names')).participants.find((p) => p.participant === client.id).name, 'Nobody');
    await client.close();
  });
  await witness.settled();
  assert.deepEqual(witness.log.slice(heard).filter((m) => m.event === 'chat' || REFUSED.includes(m.participant?.name)), []);
});

test('no text at all: bad_message or a broken frame, and the connection is over', { timeout: 30_000 }, async () => {
  await each(NO_TEXT, async (name) => {
    const client = await Client.join(server, { token: mint({ room: 'names', name: 'Nobody' }) });
    client.sendText(`{"id":1,"type":"setName","name":"${name}"}`);
    assert.equal(await client.closeCode(), 4005, name);
    assert.equal(client.log.find((m) => m.re === 0).error.code, 'bad_message');
    const text = Buffer.from(JSON.stringify({ alg: 'HS256', typ: 'JWT' })).toString('base64url');
    const stranger = await Client.open(server.url);
    assert.equal(await stranger.refusal('hello', { version: 1, token: `${text}.${Buffer.from(`{"name":"${name}"}`).toString('base64url')}.AA` }), 'token_invalid');
    await stranger.close();
  });
  await each(NO_UTF8, async (name) => {
    const client = await Client.join(server, { token: mint({ room: 'names', name: 'Nobody' }) });
    client.socket.send(Buffer.concat([Buffer.from('{"id":1,"type":"setName","name":"'), Buffer.from(name), Buffer.from('"}')]), { binary: false });
    assert.ok([1007, 4005].includes(await client.closeCode()), String(name));
  });
});

test('the log says who did what to whom, in identities, one line each', async () => {
  const name = '<b>Dr. Lee</b>';
  const doctor = await Client.join(server, { token: mint({ room: 'audited', role: 'doctor', identity: 'dr-audit', name }) });
  const patient = await Client.join(server, { token: mint({ room: 'audited', identity: 'pat-audit', name: 'Maria "K." by=x' }) });
  await doctor.request('lock', { locked: true });
  await doctor.request('kick', { participant: patient.id, reason: 'enough of <i>this</i>' });
  assert.equal(await patient.refusal('lock', { locked: false }), 'connection_lost');
  await doctor.request('close');
  const audit = await until(() => {
    const lines = server.log.split('\n').filter((line) => line.includes('audit_') && line.includes('audited'));
    return lines.length >= 3 && lines;
  }, () => server.log);
  assert.deepEqual(audit.map((line) => line.replace(/^.* (audit_\w+)/, '$1')), [
    'audit_lock room=audited by=dr-audit role=doctor target=""',
    'audit_kick room=audited by=dr-audit role=doctor target=pat-audit',
    'audit_close room=audited by=dr-audit role=doctor target=""',
  ]);
  for (const secret of ['Lee', 'Maria', 'enough', '127.0.0.1:']) assert.ok(!audit.join().includes(secret), secret);
});

test('after all that: the room, the interfaces and the log are as they should be', async () => {
  const response = await server.api('/api/v1/rooms/names');
  assert.match(response.headers.get('content-type') ?? '', /^application\/json/);
  assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
  await response.arrayBuffer();
  const metrics = await (await server.api('/metrics')).text();
  for (const name of ['alert(1)', 'evil.example', 'room{a=', 'caller-']) {
    assert.ok(!metrics.includes(name), name);
    assert.ok(!server.log.includes(name), `${name} in the log`);
  }
  await witness.request('chat', { text: 'still here' });
});
