// tests/browser/padded.test.mjs: what a loaded worker does to packets, for every kind of receiver: frames kept whole, and their packets
// padded to one size so that they leave as one run (egress_batch.h). Firefox, Chromium and libwebrtc by itself decode them as ever.
//
// The load is a lecture in another room: its fan-out makes the worker wait for whole frames, and then it pads everybody's.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Peer } from '../system/lib/peer.mjs';
import { pause, until } from '../system/lib/until.mjs';
import { launch, Member } from './lib/browsers.mjs';
import { binary, Server } from './lib/server.mjs';

const camera = { width: 640, height: 360, frameRate: 15 };
const WATCHED_S = 8;

let server;
let load;
const browsers = [];

before(async () => {
  server = await Server.start({ args: ['--set', 'limits.connections_per_address=1000'] });
  browsers.push(await launch('chromium'), await launch('firefox'));
});

after(async () => {
  load?.kill('SIGINT');
  await Promise.all(browsers.map((b) => b.close()));
  await server?.stop();
});

/** Seconds for which the worker lets packets gather. */
async function gathering() {
  const text = await (await server.api('/metrics')).text();
  return Number(/^consilium_worker_gather_seconds\{worker="0"\} (\S+)/m.exec(text)?.[1] ?? 0);
}

/** Pictures decoded and key frames asked for, of the one picture that this receiver gets. */
const watched = (reports) => {
  const video = reports.find((r) => r.type === 'inbound-rtp' && r.kind === 'video' && r.framesDecoded > 0);
  return { frames: video?.framesDecoded ?? 0, asked: video?.pliCount ?? 0 };
};
const ofPage = async (member) => watched(await member.evaluate(async () => [...(await window.consilium.room.getStats()).values()].map((r) => ({ ...r }))));
const ofPeer = async (peer) => watched([...(await peer.pc.getStats()).values()]);

test('pictures through a worker that pads: Chromium, Firefox, libwebrtc', { timeout: 150_000 }, async () => {
  const words = ['lecture', '--members', '100', '--duration', '600', '--url', server.url, '--accept-invalid', '--quiet'];
  load = spawn(path.join(path.dirname(binary), 'consilium-load'), words, { stdio: 'ignore' });
  const ended = once(load, 'exit');
  await until(async () => (await gathering()) > 0, 'the worker waits for frames', { timeout: 60_000, every: 500 });

  const anna = await Member.join(browsers[0], server.url, { room: 'padded', name: 'Anna', camera }, { topology: 'never' });
  const chromium = await Member.join(browsers[0], server.url, { room: 'padded', name: 'Ben', role: 'patient' }, { topology: 'never', camera: '0' });
  const firefox = await Member.join(browsers[1], server.url, { room: 'padded', name: 'Chen', role: 'patient' }, { topology: 'never', camera: '0' });
  const libwebrtc = await Peer.join(server, { room: 'padded', name: 'Dora' }, { camera: null });
  const receivers = { chromium: () => ofPage(chromium), firefox: () => ofPage(firefox), libwebrtc: () => ofPeer(libwebrtc) };
  for (const [name, look] of Object.entries(receivers)) await until(async () => (await look()).frames > 15, `${name} decodes`, { timeout: 30_000, every: 250 });

  const before = {};
  for (const [name, look] of Object.entries(receivers)) before[name] = await look();
  const sent = (await anna.sentFrames()) ?? 0;
  for (let s = 0; s < WATCHED_S; s++) {
    await pause(1000);
    assert.ok((await gathering()) > 0, 'the worker goes on waiting for frames, and so padding');
  }
  const frames = (await anna.sentFrames()) - sent;
  assert.ok(frames > 5 * WATCHED_S, `only ${frames} pictures were sent`);
  for (const [name, look] of Object.entries(receivers)) {
    const now = await look();
    const decoded = now.frames - before[name].frames;
    console.log(`${name}: ${decoded} of ${frames} pictures decoded, ${now.asked - before[name].asked} key frames asked for`);
    assert.ok(decoded > 0.8 * frames, `${name} decoded ${decoded} of ${frames} pictures`);
    assert.ok(now.asked - before[name].asked <= 1, `${name} asked for ${now.asked - before[name].asked} key frames`);
  }
  await libwebrtc.leave();
  load.kill('SIGINT');
  await ended;
});
