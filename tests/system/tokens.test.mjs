// tests/system/tokens.test.mjs: who gets in: tokens right and wrong, used twice, and rooms that are full, locked or others'.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { end, Server } from './lib/server.mjs';
import { claims, mint, SECRET, SECRET_ARGS } from './lib/token.mjs';

let server;
const now = () => Math.floor(Date.now() / 1000);

before(async () => {
  server = await Server.start({ args: [...SECRET_ARGS, '--set', 'rooms.max_participants=3'] });
});

after(() => end(server));

async function hello(token) {
  const client = await Client.open(server.url);
  try {
    return await client.refusal('hello', { version: 1, token });
  } finally {
    await client.close();
  }
}

test('a right one opens a session for what it says', async () => {
  const client = await Client.open(server.url);
  const welcome = await client.hello(mint({ room: 'r1', identity: 'id-1', name: 'Ünïcode 医生', role: 'interpreter' }));
  const { identity, name, role, room } = welcome;
  assert.deepEqual({ identity, name, role, room }, { identity: 'id-1', name: 'Ünïcode 医生', role: 'interpreter', room: 'r1' });
  await client.close();
});

const decode = (token) => token.split('.').map((part) => Buffer.from(part, 'base64url'));
const WRONG = {
  'another key': mint({}, { secret: `${SECRET}x` }),
  'an empty key': mint({}, { secret: '' }),
  'alg none': mint({}, { header: { alg: 'none', typ: 'JWT' }, hash: null }),
  'alg None': mint({}, { header: { alg: 'None' }, hash: null }),
  'alg none, but signed': mint({}, { header: { alg: 'none', typ: 'JWT' } }),
  'alg HS512': mint({}, { header: { alg: 'HS512', typ: 'JWT' }, hash: 'sha512' }),
  'alg HS384 with an HS256 signature': mint({}, { header: { alg: 'HS384', typ: 'JWT' } }),
  'alg RS256 with an HS256 signature': mint({}, { header: { alg: 'RS256', typ: 'JWT' } }),
  'no alg': mint({}, { header: { typ: 'JWT' } }),
  'no signature': `${mint().split('.').slice(0, 2).join('.')}.`,
  'two parts': mint().split('.').slice(0, 2).join('.'),
  'four parts': `${mint()}.x`,
  'a signature cut short': mint().slice(0, -4),
  'claims changed': (() => {
    const [head, , signature] = mint({ role: 'patient' }).split('.');
    return `${head}.${Buffer.from(JSON.stringify(claims({ role: 'doctor' }))).toString('base64url')}.${signature}`;
  })(),
  'no room': mint({ room: undefined }),
  'no identity': mint({ identity: undefined }),
  'no role': mint({ role: undefined }),
  'no jti': mint({ jti: undefined }),
  'no exp': mint({ exp: undefined }),
  'exp as a string': mint({ exp: String(now() + 60) }),
  'role surgeon': mint({ role: 'surgeon' }),
  'role as a list': mint({ role: ['doctor'] }),
  'a room with a slash': mint({ room: 'a/b' }),
  'a room of 129': mint({ room: 'x'.repeat(129) }),
  'an empty room': mint({ room: '' }),
  'a name with a line end': mint({ name: 'a\nb' }),
  'a name of 257 bytes': mint({ name: 'x'.repeat(257) }),
  'not yet valid': mint({ nbf: now() + 3000 }),
  'valid for longer than allowed': mint({ exp: now() + 7200 }),
  'exp beyond 2^63': mint({ exp: 1e19 }),
  'no JSON inside': (() => {
    const [head, , signature] = mint().split('.');
    return `${head}.${Buffer.from('{').toString('base64url')}.${signature}`;
  })(),
  'nonsense': 'x',
};

test('wrong ones are token_invalid', async (t) => {
  for (const [name, token] of Object.entries(WRONG)) await t.test(name, async () => assert.equal(await hello(token), 'token_invalid'));
});

test('an expired one says so, but only when its signature is right', async () => {
  assert.equal(await hello(mint({ exp: now() - 120 })), 'token_expired');
  assert.equal(await hello(mint({ exp: now() - 120 }, { secret: 'another-secret-another-secret-another' })), 'token_invalid');
});

test('one works once, and no longer when two come at a time', async () => {
  const token = mint({ room: 'once' });
  const results = await Promise.all([hello(token), hello(token), hello(token)]);
  assert.equal(results.filter((r) => r.startsWith('ok')).length, 1, results.join());
  assert.equal(results.filter((r) => r === 'token_used').length, 2);
  assert.equal(await hello(token), 'token_used');
  // The same jti in another token is the same ticket.
  const jti = decode(token)[1];
  assert.equal(await hello(mint({ room: 'other', jti: JSON.parse(jti).jti })), 'token_used');
});

test('a refused hello uses nothing up', async () => {
  const token = mint();
  const client = await Client.open(server.url);
  assert.equal(await client.refusal('hello', { version: 2, token }), 'unsupported_version');
  assert.equal(await client.refusal('hello', { version: 1 }), 'not_authenticated');
  await client.hello(token);
  assert.equal(await client.refusal('hello', { version: 1, token: mint() }), 'bad_request', 'one session a connection');
  await client.close();
});

test('a token is for its own room', async () => {
  const client = await Client.hello(server, { token: mint({ room: 'mine' }) });
  assert.equal(await client.refusal('check', { room: 'theirs' }), 'forbidden');
  assert.equal((await client.join({ room: 'theirs' })).id, 'mine');
  assert.equal(await server.room('theirs'), null);
  await client.close();
});

test('a full room: room_full, also in check; an observer is not counted, the same identity takes its own place', async () => {
  const at = (identity, role = 'patient') => Client.hello(server, { token: mint({ room: 'full', identity, role }) });
  const inside = await Promise.all(['a', 'b', 'c'].map(async (id) => {
    const client = await at(id);
    await client.join();
    return client;
  }));
  const late = await at('d', 'doctor');
  assert.deepEqual(await late.request('check', { room: 'full' }), { exists: true, participants: 3, maxParticipants: 3, locked: false, full: true, mayJoin: false, reason: 'room_full' });
  assert.equal(await late.refusal('join', {}), 'room_full');
  const observer = await at('o', 'observer');
  await observer.join();
  const again = await at('a');
  await again.join();
  assert.equal(await inside[0].closeCode(), 4003);
  assert.equal((await inside[1].event('participantLeft')).reason, 'replaced');
  // Not just any 'a': the first one may have come after us.
  assert.equal((await inside[1].event('participantJoined', (m) => m.participant.participant === again.id)).participant.identity, 'a');
  await inside[2].request('leave');
  await late.join();
  await Promise.all([late, observer, again, ...inside.slice(1)].map((c) => c.close()));
});

test('a locked room: room_locked for patients, not for doctors, not for who is inside already', async () => {
  const at = (identity, role) => Client.hello(server, { token: mint({ room: 'locked', identity, role }) });
  const [host, patient] = [await at('host', 'doctor'), await at('patient', 'patient')];
  await host.join();
  await patient.join();
  await host.request('lock', { locked: true });
  const stranger = await at('stranger', 'patient');
  assert.equal((await stranger.request('check', { room: 'locked' })).reason, 'room_locked');
  assert.equal(await stranger.refusal('join', {}), 'room_locked');
  const tab = await at('patient', 'patient');
  await tab.join();
  await tab.request('leave');
  assert.equal(await tab.refusal('join', {}), 'room_locked', 'who has left is a stranger');
  await (await at('doctor2', 'doctor')).join();
  await host.request('lock', { locked: false });
  await host.request('leave');
  await stranger.join();
});

test("a kicked one's token is used, and its session over", async () => {
  const host = await Client.hello(server, { token: mint({ room: 'kick', role: 'doctor' }) });
  await host.join();
  const token = mint({ room: 'kick' });
  const guest = await Client.hello(server, { token });
  await guest.join();
  await host.request('kick', { participant: guest.id });
  assert.equal(await guest.closeCode(), 4001);
  assert.equal(await hello(token), 'token_used');
  const back = await Client.open(server.url);
  const { session, resumeKey: key } = guest.welcome;
  assert.equal(await back.refusal('hello', { version: 1, resume: { session, key } }), 'session_not_found');
});
