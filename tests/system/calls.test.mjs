// tests/system/calls.test.mjs: invitations in floods; guest links expired, used twice, withdrawn, forged and from elsewhere.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client, Refused } from './lib/client.mjs';
import { end, Server } from './lib/server.mjs';
import { mint, SECRET_ARGS } from './lib/token.mjs';

let server;
let count = 0;

before(async () => {
  server = await Server.start({ args: [...SECRET_ARGS, '--set', 'calls.ring_seconds=600'] });
});

after(() => end(server));

const hello = (fields) => Client.hello(server, { token: mint(fields) });
const lobby = (identity, fields = {}) => hello({ room: undefined, calls: true, role: 'doctor', identity, ...fields });
const join = async (fields) => {
  const client = await hello({ room: `calls-${++count}`, role: 'doctor', ...fields });
  await client.join();
  return client;
};

/** The whole error, for its words. */
async function refused(promise) {
  try {
    return assert.fail(`ok: ${JSON.stringify(await promise)}`);
  } catch (error) {
    if (error instanceof Refused) return error;
    throw error;
  }
}

async function says(token) {
  const client = await Client.open(server.url);
  const code = await client.refusal('hello', { version: 1, token });
  await client.close();
  return code;
}

test('a flood of invitations: credit for twenty, in words, and shared by all pages of a person', async () => {
  const callee = await lobby('flooded');
  const [first, second] = [await lobby('flooder'), await lobby('flooder')];
  const other = await lobby('patient-one');
  for (let i = 0; i < 5; i++) {
    const { call } = await first.request('invite', { to: ['flooded', `a${i}`, `b${i}`, `c${i}`] });
    await first.request('cancel', { call });
  }
  for (const page of [first, second]) {
    const error = await refused(page.request('invite', { to: ['flooded'] }));
    assert.equal(error.code, 'rate_limited');
    assert.match(error.message, /invitations/i, 'says of what there are too many');
  }
  // What rang has ended, once each; and nothing rings any more.
  const rang = callee.log.filter((m) => m.event === 'incomingCall').map((m) => m.call);
  for (const call of rang) await callee.event('callEnded', (m) => m.call === call);
  assert.equal(rang.length, 5);
  assert.equal(callee.log.filter((m) => m.event === 'callEnded').length, rang.length);
  // Closing the page and coming back fills no purse; and others have theirs.
  await first.close();
  const again = await lobby('flooder');
  assert.equal(await again.refusal('invite', { to: ['flooded'] }), 'rate_limited');
  const { call } = await other.request('invite', { to: ['flooded'] });
  assert.equal((await callee.event('incomingCall', (m) => m.call === call)).from.identity, 'patient-one');
  await Promise.all([callee, second, again, other].map((c) => c.close()));
});

test('at most four of one\'s calls ring, sixteen people each, none twice, none oneself', async () => {
  const caller = await lobby('many');
  const people = (n, start = 0) => Array.from({ length: n }, (_, i) => `nobody-${start + i}`);
  assert.equal(await caller.refusal('invite', { to: people(17) }), 'bad_request');
  assert.equal(await caller.refusal('invite', { to: [] }), 'bad_request');
  assert.equal(await caller.refusal('invite', { to: ['a', 'a'] }), 'bad_request');
  assert.equal(await caller.refusal('invite', { to: ['many'] }), 'bad_request');
  assert.equal(await caller.refusal('invite', { to: ['a b'] }), 'bad_request');
  for (let i = 0; i < 4; i++) await caller.request('invite', { to: people(2, 2 * i) });
  const error = await refused(caller.request('invite', { to: people(1, 9) }));
  assert.equal(error.code, 'busy');
  assert.match(error.message, /ring already/);
  const calls = caller.log.filter((m) => m.ok?.call).map((m) => m.ok.call);
  for (const call of calls) await caller.request('cancel', { call });
  assert.equal(await caller.refusal('cancel', { call: calls[0] }), 'call_not_found');
  // Twelve left of twenty: sixteen at once are too many, and then none of them rings.
  const rings = caller.log.filter((m) => m.event === 'callRinging').length;
  assert.equal(await caller.refusal('invite', { to: people(16) }), 'rate_limited');
  assert.equal(caller.log.filter((m) => m.event === 'callRinging').length, rings);
  await caller.close();
});

test('a flood of requests of any kind is closed with 4006, and the one who was called sees its end', async () => {
  const [callee, caller] = [await lobby('target'), await lobby('hammer')];
  const { call } = await caller.request('invite', { to: ['target'] });
  await callee.event('incomingCall');
  for (let i = 0; i < 400; i++) caller.sendText(JSON.stringify({ id: i + 1, type: 'invite', to: ['target'] }));
  assert.equal(await caller.closeCode(), 4006);
  assert.equal((await callee.event('callEnded', (m) => m.call === call, 25_000)).reason, 'caller_gone');
  assert.equal(callee.log.filter((m) => m.event === 'incomingCall').length, 1);
  await callee.close();
});

const parts = (token) => token.split('.').map((part) => Buffer.from(part, 'base64url').toString());
const tokenOf = (url) => decodeURIComponent(new URL(url, server.url).hash.slice('#token='.length));
const link = async (host, fields = {}) => {
  const made = await host.request('createGuestLink', { role: 'interpreter', ...fields });
  return { ...made, token: tokenOf(made.url) };
};

test('guest links: one session each, also when two take it at once', async () => {
  const host = await join();
  const { token } = await link(host, { name: 'Ms. Smith' });
  const pages = await Promise.all(Array.from({ length: 6 }, () => Client.open(server.url)));
  const results = await Promise.all(pages.map((page) => page.refusal('hello', { version: 1, token })));
  assert.equal(results.filter((r) => r.startsWith('ok')).length, 1, results.join());
  assert.equal(results.filter((r) => r === 'token_used').length, 5, results.join());
  const guest = pages[results.findIndex((r) => r.startsWith('ok'))];
  await guest.join();
  assert.equal((await host.event('participantJoined')).participant.name, 'Ms. Smith');
  assert.equal(await guest.refusal('invite', { to: ['dr-lee'] }), 'forbidden');
  assert.equal(await guest.refusal('createGuestLink', { role: 'patient' }), 'forbidden');
  await guest.request('leave');
  await Promise.all(pages.map((page) => page.close()));
  assert.equal(await says(token), 'token_used', 'also when the guest has gone');
  await host.close();
});

test('guest links: expired, withdrawn, changed, from elsewhere', async () => {
  const [host, stranger] = [await join(), await join()];
  const made = await link(host, { ttl: 60 });
  const [, payload] = parts(made.token);
  const claims = JSON.parse(payload);
  assert.ok(Math.abs(claims.exp * 1000 - made.expiresAt) <= 1000);
  // The same link an hour later, as its server would have signed it then.
  assert.equal(await says(mint({ ...claims, exp: Math.floor(Date.now() / 1000) - 5 })), 'token_expired');
  // With the body of another role, room or time the signature does not fit.
  const [head, , signature] = made.token.split('.');
  for (const change of [{ role: 'doctor' }, { room: 'calls-x' }, { exp: claims.exp + 600 }, { wait: false, role: 'admin' }, { jti: `${claims.jti}x` }]) {
    const body = Buffer.from(JSON.stringify({ ...claims, ...change })).toString('base64url');
    assert.equal(await says(`${head}.${body}.${signature}`), 'token_invalid', JSON.stringify(change));
  }
  // Of another server.
  const elsewhere = await Server.start({});
  const theirs = await Client.join(elsewhere, { room: 'r', role: 'doctor', name: 'There' });
  const foreign = await theirs.request('createGuestLink', { role: 'patient' });
  assert.equal(await says(tokenOf(foreign.url)), 'token_invalid');
  assert.equal(await host.refusal('revokeGuestLink', { link: foreign.link }), 'link_not_found');
  await theirs.close();
  await end(elsewhere);
  // Withdrawn: by a doctor of that room and nobody else.
  assert.equal(await stranger.refusal('revokeGuestLink', { link: made.link }), 'link_not_found');
  assert.equal(await host.refusal('revokeGuestLink', { link: made.link.slice(0, -1) + (made.link.endsWith('A') ? 'B' : 'A') }), 'link_not_found');
  assert.deepEqual(await host.request('revokeGuestLink', { link: made.link }), { used: false });
  assert.equal(await says(made.token), 'token_used');
  for (const wrong of [{ ttl: 59 }, { ttl: 86401 }, { role: 'doctor' }, { role: 'admin' }, { role: 'patient', ttl: 1e18 }, {}]) {
    assert.equal(await host.refusal('createGuestLink', { ...(wrong.ttl && !wrong.role ? { role: 'patient' } : {}), ...wrong }), 'bad_request', JSON.stringify(wrong));
  }
  await Promise.all([host, stranger].map((c) => c.close()));
});

test('a flood of guest links is rate_limited, in words, and the link made before it opens', async () => {
  const host = await join();
  const good = await link(host);
  const errors = [];
  for (let i = 0; i < 60 && !errors.length; i++) await host.request('createGuestLink', { role: 'patient' }).catch((error) => errors.push(error));
  assert.equal(errors[0]?.code, 'rate_limited');
  assert.match(errors[0].message, /too many requests/i);
  const guest = await Client.hello(server, { token: good.token });
  assert.equal(guest.welcome.role, 'interpreter');
  await Promise.all([host, guest].map((c) => c.close()));
});
