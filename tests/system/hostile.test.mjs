// tests/system/hostile.test.mjs: a call goes on while strangers, and one on the path, send what they can to the media port; and
// clients that are let in but lie.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { Client } from './lib/client.mjs';
import { clientHello, garbage, rtcp, rtp, STUN, stun } from './lib/datagrams.mjs';
import { makeOffer } from './lib/offer.mjs';
import { Peer } from './lib/peer.mjs';
import { end, Server } from './lib/server.mjs';
import { pause, until } from './lib/until.mjs';

let server;
let anna;
let ben;

before(async () => {
  server = await Server.start();
  anna = await Peer.join(server, { room: 'hostile', name: 'Anna' }, { camera: { colour: 60 }, microphone: { hertz: 400 } });
  ben = await Peer.join(server, { room: 'hostile', name: 'Ben' }, { camera: { colour: 200 }, microphone: { hertz: 900 } });
  await Promise.all([anna.perceives(ben), ben.perceives(anna)]);
});

after(async () => {
  await Promise.all([anna?.leave(), ben?.leave()]);
  await end(server);
});

/** Reason → count, as the metrics say; they are a second old at most. */
async function drops() {
  const text = await (await server.api('/metrics')).text();
  return Object.fromEntries([...text.matchAll(/^consilium_dropped_packets_total\{worker="0",reason="(\w+)"\} (\d+)/gm)].map((m) => [m[1], Number(m[2])]));
}

async function sentBy(peer) {
  const reports = [...(await peer.pc.getStats()).values()].filter((r) => r.type === 'outbound-rtp');
  return reports.reduce((sum, r) => sum + r.packetsSent, 0);
}

/** Datagrams that full sockets of this machine refused: of a machine that stood still. */
async function kernelDrops() {
  const text = await readFile('/proc/net/snmp', 'utf8');
  const [names, values] = [...text.matchAll(/^Udp: (.*)$/gm)].map((m) => m[1].split(' '));
  return Number(values[names.indexOf('RcvbufErrors')]);
}

/** Does `attack` and holds the call to this: nothing lost but by the machine, nothing more than was sent, nobody left or was moved. */
async function callStandsThrough(attack) {
  const worker = server.children().get('worker 0');
  const start = { sent: await sentBy(anna), ben: await ben.received(), anna: await anna.received(), drops: await drops(), kernel: await kernelDrops() };
  await attack(start);
  const now = { ben: await ben.received(), anna: await anna.received(), sent: await sentBy(anna) };
  assert.equal(server.children().get('worker 0'), worker, 'the worker lives');
  const lost = now.anna.lost - start.anna.lost + now.ben.lost - start.ben.lost;
  const refused = (await kernelDrops()) - start.kernel;
  assert.ok(lost <= refused, `${lost} packets lost, ${refused} of them by the machine`);
  const extra = now.ben.packets - start.ben.packets - (now.sent - start.sent);
  assert.ok(extra < 20, `Ben got ${extra} packets that Anna never sent`);
  await Promise.all([anna.perceives(ben), ben.perceives(anna)]);
  await until(() => ben.sink(anna, 'microphone').hears(400), 'the tone');
  assert.deepEqual([anna, ben].map((p) => [p.pc.connectionState, p.rejoins]), [['connected', 0], ['connected', 0]]);
  return start;
}

const credentials = (sdp) => ({ ufrag: /a=ice-ufrag:(\S+)/.exec(sdp)[1], password: /a=ice-pwd:(\S+)/.exec(sdp)[1] });

async function mediaAddress(peer) {
  const stats = await peer.pc.getStats();
  const pairs = [...stats.values()].filter((r) => r.type === 'candidate-pair' && r.nominated && r.state === 'succeeded');
  const [local, remote] = [stats.get(pairs[0].localCandidateId), stats.get(pairs[0].remoteCandidateId)];
  return { local: { address: local.address ?? local.ip, port: local.port }, remote: { address: remote.address ?? remote.ip, port: remote.port } };
}

/** A socket of a stranger that counts what it is sent. */
async function stranger() {
  const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const counts = { out: 0, in: 0, answers: 0 };
  socket.on('message', (data) => {
    counts.in += data.length;
    counts.answers++;
  });
  socket.on('error', () => {});
  return { socket, counts };
}

test('10 000 of each from strangers: bad STUN, ClientHellos, media look-alikes, garbage', { timeout: 120_000 }, async () => {
  const { remote } = await mediaAddress(anna);
  const mine = credentials(anna.pc.localDescription.sdp).ufrag;
  const { ufrag, password } = credentials(anna.answer);
  const ssrc = Number(/a=ssrc:(\d+)/.exec(anna.pc.localDescription.sdp)[1]);
  const username = `${ufrag}:${mine}`;
  const bad = [
    () => stun(), () => stun({ username }), () => stun({ username, nominate: true }), () => stun({ username, password: `${password}x`, nominate: true }),
    () => stun({ username: `${ufrag}:xxxx`, password: 'y'.repeat(22) }), () => stun({ username: `nobody:${mine}`, password }), () => stun({ username, password, fingerprint: false }).subarray(0, -5),
    () => stun({ type: STUN.SUCCESS, username }), () => stun({ type: STUN.ERROR }), () => stun({ type: STUN.INDICATION, username }), () => stun({ type: 0x0003, username }),
    () => stun({ username: 'x'.repeat(600) }), () => stun({ username, extra: Array.from({ length: 60 }, () => Buffer.from([0, 6, 0, 0])) }), () => Buffer.alloc(20, 0),
  ];
  const kinds = [(i) => bad[i % bad.length](), clientHello, (i) => (i % 2 ? rtp(ssrc) : rtcp(ssrc)), garbage];
  const strangers = await Promise.all(Array.from({ length: 4 }, stranger));
  const start = await callStandsThrough(async (before) => {
    for (let i = 0; i < 10_000; i++) {
      for (const [k, make] of kinds.entries()) {
        const data = make(i);
        strangers[k].counts.out += data.length;
        strangers[k].socket.send(data, remote.port, '127.0.0.1');
      }
      // As fast as the socket of the server can hold, not faster: what the kernel drops nobody refuses.
      if (i % 20 === 19) await pause(1);
    }
    await until(async () => {
      const now = await drops();
      return Object.keys(now).reduce((sum, k) => sum + now[k] - before.drops[k], 0) > 30_000;
    }, 'all refused and counted', { every: 200 });
  });
  const now = await drops();
  const grew = (name) => now[name] - start.drops[name];
  assert.equal(grew('kernel_receive_queue'), 0, 'this test sends too fast to say anything');
  for (const reason of ['stun_integrity', 'unknown_ufrag', 'unknown_address']) assert.ok(grew(reason) > 400, `${reason}: ${grew(reason)}`);
  for (const { counts, socket } of strangers) {
    assert.ok(counts.in <= counts.out, `${counts.in} bytes back for ${counts.out}`);
    socket.close();
  }
  assert.equal(strangers.reduce((sum, s) => sum + s.counts.answers, 0), 0, 'a stranger gets no answer at all');
  // Somebody new can come in as ever.
  const late = await Peer.join(server, { room: 'hostile', name: 'Late' }, { camera: null, microphone: null });
  await late.perceives(anna);
  await late.leave();
});

test('one on the path: replays, changed packets, forged alerts with the victim\'s own address', { timeout: 60_000, skip: process.getuid() !== 0 && 'needs root' }, async () => {
  const { local, remote } = await mediaAddress(anna);
  const script = new URL('lib/forge.py', import.meta.url).pathname;
  let forged;
  const start = await callStandsThrough(async () => {
    const { stdout } = await promisify(execFile)('python3', [script, local.address, String(local.port), remote.address, String(remote.port), '150'], { timeout: 30_000 });
    forged = JSON.parse(stdout);
    await until(async () => (await drops()).srtp_auth > 0, 'counted', { every: 200 });
  });
  const now = await drops();
  assert.equal(forged.replayed, 150);
  await until(async () => (await drops()).srtp_replay - start.drops.srtp_replay >= 150, 'every replay is one');
  await until(async () => (await drops()).srtp_auth - start.drops.srtp_auth >= 150, 'changed packets fail their tag');
  assert.ok(now.dtls_plain_alert > start.drops.dtls_plain_alert, 'an alert without a signature is no alert');
});

test('a client whose certificate is not the one it announced gets no keys', { timeout: 30_000 }, async () => {
  const client = await Client.join(server, { room: 'fingerprint', name: 'Liar' });
  const { wrtc } = await import('./lib/packages.mjs');
  const pc = new wrtc.RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  try {
    pc.createDataChannel('reliable');
    await pc.setLocalDescription(await pc.createOffer());
    const announced = /a=fingerprint:sha-256 (\S+)/.exec(pc.localDescription.sdp)[1];
    const other = announced.replace(/^../, announced.startsWith('00') ? 'FF' : '00');
    const { sdp } = await client.request('offer', { sdp: pc.localDescription.sdp.replaceAll(announced, other) });
    await pc.setRemoteDescription({ type: 'answer', sdp });
    const state = async () => (await server.room('fingerprint')).participants[0].transport;
    await until(async () => pc.connectionState === 'failed' || (await state()).state === 'failed', async () => `refused, but ${pc.connectionState}, ${JSON.stringify(await state())}`);
    assert.notEqual(pc.connectionState, 'connected');
    assert.notEqual((await state()).state, 'connected');
    await client.request('ping');
  } finally {
    pc.close();
    await client.close();
  }
});

test('offers that cannot be answered: bad_offer, and the call before it holds', { timeout: 30_000 }, async () => {
  const sdp = await makeOffer();
  const lines = (...more) => sdp.replace(/^a=rtcp-mux\r\n/m, (l) => l + more.map((m) => `${m}\r\n`).join(''));
  const wrong = {
    'no SDP': 'hello', 'one letter': 'v', 'no fingerprint': sdp.replaceAll(/^a=fingerprint.*\r\n/gm, ''), 'no ufrag': sdp.replaceAll(/^a=ice-ufrag.*\r\n/gm, ''),
    'a ufrag of 1': sdp.replaceAll(/^a=ice-ufrag.*$/gm, 'a=ice-ufrag:x\r'), 'SDES': lines('a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj'),
    'sha-1 only': sdp.replaceAll(/^a=fingerprint.*$/gm, 'a=fingerprint:sha-1 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33\r'),
    'a mid twice': sdp.replace('a=mid:1', 'a=mid:0'), 'a line of 100 kB': lines(`a=x:${'y'.repeat(100_000)}`), 'a thousand m-lines': sdp + sdp.slice(sdp.indexOf('m=audio'), sdp.indexOf('m=video')).repeat(120),
    'binary': String.fromCharCode(...Array.from({ length: 500 }, (_, i) => 1 + (i % 255))), 'only its head': sdp.slice(0, sdp.indexOf('m=')),
  };
  for (const [name, text] of Object.entries(wrong)) {
    const client = await Client.join(server, { room: 'offers', name: 'Odd', identity: 'odd' });
    const code = await client.refusal('offer', { sdp: text });
    assert.ok(['bad_offer', 'too_many_tracks', 'too_large', 'no_common_codec'].includes(code), `${name}: ${code.slice(0, 200)}`);
    await client.request('ping');
    await client.close();
  }
  await callStandsThrough(async () => {
    assert.equal(await anna.client.refusal('offer', { sdp: 'nonsense' }), 'bad_offer');
  });
});

test('data channels: more than 32, frames that are none', { timeout: 30_000 }, async () => {
  await callStandsThrough(async () => {
    await until(() => [anna.reliable, anna.lossy, ben.reliable].every((c) => c.readyState === 'open'), 'channels open');
    const many = Array.from({ length: 40 }, (_, i) => anna.pc.createDataChannel(`extra-${i}`));
    await until(() => many.filter((c) => c.readyState === 'open').length >= 20 || many.some((c) => c.readyState === 'closed'), 'some open');
    anna.reliable.send(Buffer.alloc(0));
    anna.reliable.send(Buffer.from([200, 1, 2]));
    anna.reliable.send('text');
    anna.reliable.send(Buffer.alloc(65_536, 0x80)); // as long as may be, for a receiver who cannot be
    anna.reliable.send(Buffer.concat([Buffer.from([255]), Buffer.alloc(255, 0x41)]));
    anna.lossy.send(Buffer.from([1]));
    anna.send(anna.reliable, 'still here');
    await until(() => ben.data.some((d) => String(d.payload) === 'still here'), () => `the message after them; got ${ben.data.length}`);
    assert.deepEqual(ben.data.map((d) => String(d.payload)), ['still here']);
    for (const channel of many) channel.close();
  });
});
