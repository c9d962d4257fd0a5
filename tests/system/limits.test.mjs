// tests/system/limits.test.mjs: every limit of signaling/PROTOCOL.md, section 1, from both sides: what just fits and what does not.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { makeOffer } from './lib/offer.mjs';
import { rawRequest, UPGRADE } from './lib/raw_http.mjs';
import { end, Server } from './lib/server.mjs';
import { until, within } from './lib/until.mjs';

let server;
let sdp;
let room = 0;

before(async () => {
  server = await Server.start({ args: ['--set', 'http.allowed_origins=https://clinic.example'] });
  sdp = await makeOffer();
});

after(() => end(server));

const join = () => Client.join(server, { room: `limits-${++room}`, name: 'Lee', role: 'doctor' });

/** A request of exactly `bytes` bytes, filled up with a field that is ignored. */
function sized(bytes, message) {
  const empty = JSON.stringify({ ...message, filler: '' });
  return JSON.stringify({ ...message, filler: 'x'.repeat(bytes - empty.length) });
}

/** Sends `text` and returns the first reply. */
async function replyTo(client, text) {
  const known = client.log.length;
  client.sendText(text);
  return until(() => client.log.slice(known).find((m) => m.re !== undefined), 'a reply', { every: 5 });
}

test('a message: 64 KiB fit, one byte more is too_large, and the connection lives', async () => {
  const client = await join();
  assert.ok((await replyTo(client, sized(65536, { id: 5, type: 'ping' }))).ok);
  const refused = await replyTo(client, sized(65537, { id: 6, type: 'ping' }));
  assert.deepEqual([refused.re, refused.error.code], [6, 'too_large']);
  await client.request('ping');
});

test('an offer: 256 KiB are read, above it the connection ends with 1009', async () => {
  const client = await join();
  const message = { id: 5, type: 'offer', sdp };
  assert.ok((await replyTo(client, sized(262144, message))).ok);
  client.sendText(sized(262144 + 8192, message));
  assert.equal(await client.closeCode(), 1009);
});

test('before hello only 16 KiB', async () => {
  const client = await Client.open(server.url);
  assert.equal((await replyTo(client, sized(16384, { id: 1, type: 'hello', version: 1 }))).error.code, 'not_authenticated');
  client.sendText(sized(16385, { id: 2, type: 'hello', version: 1 }));
  assert.equal(await client.closeCode(), 1009);
});

test('fragments add up to the same limit', async () => {
  const client = await join();
  for (let i = 0; i < 40; i++) client.socket.send(i ? 'x'.repeat(8192) : '{"id":1,"type":"offer","sdp":"', { fin: false });
  assert.equal(await client.closeCode(), 1009);
});

const nested = (depth) => `{"id":5,"type":"ping","filler":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;
const BAD_MESSAGES = {
  'nesting of 33': nested(33),
  'nesting of 100000': '['.repeat(10_000),
  'a key twice': '{"id":5,"type":"ping","type":"leave"}',
  'a key twice, far inside': '{"id":5,"type":"ping","a":[{"b":{"c":1,"c":2}}]}',
  'NUL in a string': '{"id":5,"type":"ping","a":"\\u0000"}',
  '8193 elements': `{"id":5,"type":"ping","a":[${'0,'.repeat(8192)}0]}`,
  'no JSON': 'hello',
  'nothing': '',
  'an array': '[]',
  'no id': '{"type":"ping"}',
  'id 0': '{"id":0,"type":"ping"}',
  'id -1': '{"id":-1,"type":"ping"}',
  'id 1.5': '{"id":1.5,"type":"ping"}',
  'id 2^31': '{"id":2147483648,"type":"ping"}',
  'id as a string': '{"id":"5","type":"ping"}',
  'no type': '{"id":5}',
  'type 7': '{"id":5,"type":7}',
  'something after it': '{"id":5,"type":"ping"} {}',
  'a lone surrogate': '{"id":5,"type":"ping","a":"\\ud800"}',
};

test('what is no message gets bad_message with re 0, then 4005', async (t) => {
  for (const [name, text] of Object.entries(BAD_MESSAGES)) {
    await t.test(name, async () => {
      const client = await join();
      const reply = await replyTo(client, text);
      assert.deepEqual([reply.re, reply.error?.code], [0, 'bad_message']);
      assert.equal(await client.closeCode(), 4005);
    });
  }
});

test('what just is a message is answered', async () => {
  const client = await join();
  assert.ok((await replyTo(client, nested(32))).ok);
  assert.equal((await replyTo(client, '{"id":2147483647,"type":"ping"}')).re, 2147483647);
  assert.ok((await replyTo(client, `{"id":6,"type":"ping","a":[${'0,'.repeat(8000)}0]}`)).ok);
  assert.equal((await replyTo(client, '{"id":7,"type":"pong"}')).error.code, 'unknown_type');
  assert.equal((await replyTo(client, '{"id":8,"type":"__proto__"}')).error.code, 'unknown_type');
  await client.request('ping');
});

test('frames: binary 1003, not UTF-8 1007', async () => {
  const binary = await join();
  binary.socket.send(Buffer.from('{"id":5,"type":"ping"}'), { binary: true });
  assert.equal(await binary.closeCode(), 1003);
  const latin = await join();
  latin.socket.send(Buffer.from([0x7b, 0x22, 0xe9, 0x22, 0x7d]), { binary: false });
  assert.equal(await latin.closeCode(), 1007);
});

test('fields: a wrong one is bad_request and is named', async () => {
  const client = await join();
  const wrong = {
    'chat text': ['chat', {}], 'chat text ': ['chat', { text: 7 }], 'chat  text': ['chat', { text: '' }], 'chat text  ': ['chat', { text: 'x'.repeat(4097) }],
    'setName name': ['setName', { name: 'x'.repeat(257) }], 'setName  name': ['setName', { name: 'a\u0007b' }], 'setName name ': ['setName', { name: 'a\u202eb' }],
    'mute muted': ['mute', { track: 't_1', muted: 'yes' }], 'mute track': ['mute', { track: 'a b', muted: true }], 'mute  track': ['mute', { track: 'x'.repeat(129), muted: true }],
    'view requests': ['view', { requests: Array.from({ length: 257 }, () => ({ track: 't', width: 1, height: 1, visible: true })) }],
    'view width': ['view', { requests: [{ track: 't', width: -1, height: 1, visible: true }] }],
    'publish source': ['publish', { tracks: [{ mid: '0', source: 'telescope' }] }], 'publish tracks': ['publish', { tracks: [] }],
    'kick participant': ['kick', { participant: '' }], 'join topology': ['join', { topology: 'p2p' }],
  };
  for (const [name, [type, fields]] of Object.entries(wrong)) {
    const field = name.split(' ').filter(Boolean)[1];
    await assert.rejects(client.request(type, fields), (e) => e.code === 'bad_request' && e.message.includes(field), name);
  }
  await client.request('chat', { text: 'x'.repeat(4096) });
  await client.request('setName', { name: 'é'.repeat(128) });
});

test('too fast: rate_limited, after a hundred of them 4006', async () => {
  const client = await join();
  const replies = [];
  for (let i = 0; i < 400; i++) replies.push(client.refusal('ping', {}));
  assert.equal(await client.closeCode(), 4006);
  const codes = await Promise.all(replies);
  const answered = codes.filter((c) => c.startsWith('ok')).length;
  assert.ok(answered >= 60 && answered <= 160, `${answered} were answered`);
  assert.equal(codes.slice(answered, answered + 50).every((c) => c === 'rate_limited'), true);
});

test('too fast, but then patient: the connection lives', async () => {
  const client = await join();
  const codes = await Promise.all(Array.from({ length: 150 }, () => client.refusal('ping', {})));
  assert.ok(codes.includes('rate_limited'));
  await until(async () => (await client.refusal('ping', {})).startsWith('ok'), 'points come back', { every: 200 });
});

/** As much chat as a room keeps, in the longest form that it can have on the wire. */
async function fillChat(name) {
  const talkers = await Promise.all(Array.from({ length: 10 }, (_, i) => Client.join(server, { room: name, name: `Talker ${i}`, identity: `talker-${i}` })));
  const text = '"'.repeat(4096);
  for (let i = 0; i < 21; i++) await Promise.all(talkers.map((t) => t.request('chat', { text })));
  for (const t of talkers) t.forget();
  return talkers;
}

test('a room full of chat keeps nobody out', { timeout: 30_000 }, async () => {
  const talkers = await fillChat('limits-chat');
  const late = await Client.join(server, { room: 'limits-chat', name: 'Late', role: 'patient' });
  assert.ok(late.room.chat.length > 50);
  const { session, resumeKey: key } = talkers[0].welcome;
  await talkers[0].cut();
  const back = await Client.open(server.url);
  await back.request('hello', { version: 1, resume: { session, key } });
  assert.equal((await back.event('sync')).room.chat.at(-1).text.length, 4096);
  await Promise.all([late, back, ...talkers.slice(1)].map((c) => c.close()));
});

test('a slow reader is closed with 4004 when 1 MiB waits for it; the others notice nothing', { timeout: 60_000 }, async () => {
  const talkers = await fillChat('limits-slow');
  const slow = await Client.join(server, { room: 'limits-slow', name: 'Slow', identity: 'slow' });
  const gone = talkers[0].event('participantUpdated', (m) => !m.participant.connected, 20_000);
  // Each join is answered with all that chat; the kernel takes some megabytes before anything waits in the server.
  slow.socket.pause();
  for (let i = 1; i <= 15; i++) {
    slow.sendText(JSON.stringify({ id: 2 * i, type: 'leave' }));
    slow.sendText(JSON.stringify({ id: 2 * i + 1, type: 'join' }));
  }
  await gone;
  slow.socket.resume();
  // What the kernel had taken arrives still, then the close frame, if the server waits that long for it.
  assert.ok([4004, 1006].includes(await slow.closeCode()));
  assert.match(await (await server.api('/metrics')).text(), /consilium_refused_total\{reason="slow_reader"\} 1\n/);
  for (const t of talkers) await t.request('ping');
  // It may come back: its session is there.
  const again = await Client.open(server.url);
  const { session, resumeKey: key } = slow.welcome;
  assert.equal((await again.request('hello', { version: 1, resume: { session, key } })).resumed, true);
  assert.ok((await again.event('sync')).room.participants.length > 10);
  await Promise.all([again, ...talkers].map((c) => c.close()));
});

test('the silent: no hello 4007 after 10 s, no pong 1006 after 20 s, half a request 10 s', { timeout: 40_000 }, async () => {
  const [silent, wrong] = [await Client.open(server.url), await Client.open(server.url)];
  const host = await join();
  const deaf = await Client.open(server.url, { autoPong: false });
  await deaf.hello(await server.token({ room: `limits-${room}`, name: 'Deaf', identity: 'deaf' }));
  await deaf.join();
  const half = net.connect(Number(new URL(server.url).port), '127.0.0.1');
  half.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n');
  const halfEnded = once(half.resume(), 'close');
  assert.equal(await wrong.refusal('hello', { version: 1, token: 'nonsense' }), 'token_invalid');
  const began = performance.now();
  const at = async (promise) => {
    await promise;
    return Math.round((performance.now() - began) / 1000);
  };
  const [hello, halfway, pong] = await Promise.all([at(Promise.all([silent, wrong].map(async (c) => assert.equal(await c.closeCode(20_000), 4007)))), at(within(halfEnded, 'end', 20_000)), at(deaf.closeCode(30_000))]);
  assert.ok(hello >= 9 && hello <= 13, `hello ${hello} s`);
  assert.ok(halfway <= 15, `half a request ${halfway} s`);
  assert.ok(pong >= 17 && pong <= 25, `pong ${pong} s`);
  assert.equal((await host.event('participantUpdated', (m) => !m.participant.connected)).participant.participant, deaf.id, 'lost, not gone');
  await host.close();
});

test('all in one go: hello, join, an offer as long as may be, publish, chat', async () => {
  const client = await Client.open(server.url);
  const token = await server.token({ room: 'limits-go', name: 'Quick', role: 'doctor' });
  const requests = [
    { type: 'hello', version: 1, token }, { type: 'join' }, { type: 'offer', sdp }, { type: 'publish', tracks: [{ mid: '0', source: 'microphone' }, { mid: '1', source: 'camera' }] },
    { type: 'chat', text: 'first words' }, { type: 'raiseHand', raised: true }, { type: 'leave' }, { type: 'chat', text: 'too late' },
  ].map((message, i) => ({ id: i + 1, ...message }));
  for (const message of requests) client.sendText(message.type === 'offer' ? sized(200_000, message) : JSON.stringify(message));
  await until(() => client.log.some((m) => m.re === 8), 'the last reply');
  const replies = client.log.filter((m) => m.re !== undefined);
  assert.deepEqual(replies.map((m) => m.re), [1, 2, 3, 4, 5, 6, 7, 8]);
  assert.deepEqual(replies.filter((m) => m.error).map((m) => [m.re, m.error.code]), [[8, 'not_joined']]);
  await client.close();
});

test('publish: what the page says is wrong with it, and then nothing of it is done', async () => {
  const client = await join();
  await client.request('offer', { sdp });
  const publish = (...tracks) => client.refusal('publish', { tracks: tracks.map(([mid, source]) => ({ mid, source })) });
  assert.equal(await publish(['0', 'microphone'], ['77', 'camera']), 'track_not_found', 'no such m-line');
  assert.equal(await publish(['0', 'microphone'], ['3', 'camera']), 'track_not_found', 'a slot sends nothing');
  assert.equal(await publish(['0', 'camera']), 'bad_request', 'another kind');
  assert.equal(await publish(['0', 'microphone'], ['0', 'microphone']), 'bad_request', 'a mid twice');
  assert.equal((await server.room(`limits-${room}`)).tracks, 0);
  await client.request('publish', { tracks: [{ mid: '0', source: 'microphone' }] });
  assert.equal(await publish(['0', 'microphone']), 'bad_request', 'published already');
  await client.close();
});

test('origins: the host itself, the allowed ones, none; all others 403', async () => {
  const { host } = new URL(server.url);
  const status = async (...headers) => (await rawRequest(server.url, ['GET /v1/ws HTTP/1.1', ...UPGRADE, ...headers])).status;
  assert.equal(await status(), 101);
  assert.equal(await status(`Origin: http://${host}`), 101);
  assert.equal(await status('Origin: https://clinic.example'), 101);
  const foreign = ['https://evil.example', 'null', 'http://clinic.example', 'https://clinic.example.evil.example', 'https://evilclinic.example', 'https://clinic.example:444', `http://${host}.evil.example`, `ws://${host}`, 'file://'];
  for (const origin of foreign) assert.equal(await status(`Origin: ${origin}`), 403, origin);
});

test('upgrades to anything but a WebSocket, at its path, are refused', async () => {
  const upgrade = (path, kind) => rawRequest(server.url, [`GET ${path} HTTP/1.1`, 'Connection: Upgrade', `Upgrade: ${kind}`, ...UPGRADE.slice(2)]);
  for (const kind of ['h2c', 'foo', 'websocket2', 'TLS/1.0']) assert.notEqual((await upgrade('/v1/ws', kind)).status, 101, kind);
  for (const path of ['/', '/v1/ws/', '/v1/wsx', '/v1/../v1/ws2', '/api/v1/rooms']) assert.notEqual((await upgrade(path, 'websocket')).status, 101, path);
  assert.equal((await upgrade('/v1/ws', 'websocket')).status, 101);
  assert.equal((await rawRequest(server.url, ['GET /v1/ws HTTP/1.1'])).status, 404);
  const extended = await rawRequest(server.url, ['GET /v1/ws HTTP/1.1', ...UPGRADE, 'Sec-WebSocket-Extensions: permessage-deflate']);
  assert.deepEqual([extended.status, extended.headers['sec-websocket-extensions']], [101, undefined], 'no compression, no bombs');
});

test('connections from one address are limited', async () => {
  const small = await Server.start({ args: ['--set', 'limits.connections_per_address=8'] });
  try {
    const open = await Promise.all(Array.from({ length: 8 }, () => Client.open(small.url)));
    await assert.rejects(within(Client.open(small.url), 'refusal', 5000));
    await open.pop().close();
    await until(() => Client.open(small.url).then(() => true, () => false), 'a place is free again');
    for (const client of open) client.socket.terminate();
  } finally {
    await end(small);
  }
});
