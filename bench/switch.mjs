// bench/switch.mjs: what a change between the direct connection and the server is to those who watch and listen.
//
//   node bench/switch.mjs [browser,browser] [switches]     default chromium,chromium 20; or chromium,firefox
//
// Two talk directly, a third comes and goes. For each change and each of the two: the largest interval between presented
// pictures (requestVideoFrameCallback, half a second around it; 30 fps source, so 33 ms are natural), and the sound that was
// made up in what was heard (getStats, half a second before to one second after). `before` is the same, measured a moment
// earlier without a change: what this machine does by itself.

import { launch, Member } from '../tests/browser/lib/browsers.mjs';
import { becomes } from '../tests/browser/lib/direct.mjs';
import { Server } from '../tests/browser/lib/server.mjs';

const kinds = (process.argv[2] ?? 'chromium,chromium').split(',');
const switches = Number(process.argv[3] ?? 20);
const camera = { width: 640, height: 360, frameRate: 30 };
const viewport = { width: 800, height: 600 };

/** Runs in a page: keeps when pictures were presented, when the connection changed, and what was made up of the sound heard. */
function record(name) {
  const p = [...window.consilium.room.remoteParticipants.values()].find((x) => x.name === name);
  const [camera, microphone] = ['camera', 'microphone'].map((s) => p.publication(s).track);
  const [video] = camera.elements;
  const frames = [];
  const sound = [];
  const swaps = [];
  const onFrame = (_, { presentationTime }) => {
    frames.push(presentationTime);
    video.requestVideoFrameCallback(onFrame);
  };
  video.requestVideoFrameCallback(onFrame);
  camera.on('mediaChanged', () => swaps.push(performance.now()));
  const plain = (id) => id?.replace(/[{}]/g, '');
  setInterval(async () => {
    const made = new Map();
    for (const way of ['p2p', 'sfu']) {
      for (const r of (await window.consilium.room.getStats(way)).values()) {
        if (r.type === 'inbound-rtp' && r.kind === 'audio') made.set(plain(r.trackIdentifier), r.concealedSamples);
      }
    }
    sound.push({ at: performance.now(), heard: plain(microphone.mediaStreamTrack?.id), made });
  }, 100);
  const gap = (from, to) => Math.max(...frames.slice(1).map((t, i) => (t > from && frames[i] < to ? t - frames[i] : 0)));
  const concealed = (from, to) => {
    let samples = 0;
    for (let i = 1; i < sound.length; i++) {
      const { at, heard, made } = sound[i];
      if (at > from && at < to && sound[i - 1].made.has(heard)) samples += Math.max(0, made.get(heard) - sound[i - 1].made.get(heard));
    }
    return samples / 48;
  };
  window.lastSwitch = () => {
    const at = swaps.at(-1);
    return { swaps: swaps.length, gap: gap(at - 500, at + 500), concealed: concealed(at - 500, at + 1000), gapBefore: gap(at - 1600, at - 600), concealedBefore: concealed(at - 2100, at - 600) };
  };
}

const server = await Server.start();
const browsers = new Map();
for (const kind of new Set(['chromium', ...kinds])) browsers.set(kind, await launch(kind, { viewport }));
const results = { sfu: [], p2p: [] };
let failed = 0;
try {
  const two = [];
  for (const [i, name] of ['Ann', 'Bob'].entries()) two.push(await Member.join(browsers.get(kinds[i]), server.url, { room: 'switch', name, camera }));
  const third = await (await browsers.get('chromium').createBrowserContext()).newPage();
  await third.goto(`${server.url}/examples/`).catch(() => {});
  for (const m of two) await becomes(m, 'p2p');
  await new Promise((resolve) => setTimeout(resolve, 2000));
  for (const [i, m] of two.entries()) await m.evaluate(record, ['Bob', 'Ann'][i]);
  await new Promise((resolve) => setTimeout(resolve, 2500));
  for (let n = 0; n < switches; n++) {
    for (const way of ['sfu', 'p2p']) {
      if (way === 'sfu') {
        const token = await server.token({ room: 'switch', name: 'Cleo', role: 'doctor' });
        await third.evaluate(async (t) => {
          const { createClient } = await import('/sdk/consilium.js');
          window.client = createClient({ token: t });
          await window.client.join();
        }, token);
      } else {
        await third.evaluate(() => window.client.disconnect());
      }
      for (const m of two) await becomes(m, way, { timeout: 15_000 }).catch(() => failed++);
      await new Promise((resolve) => setTimeout(resolve, 1200));
      for (const m of two) results[way].push({ ...(await m.evaluate(() => window.lastSwitch())), who: m.name });
    }
  }
} finally {
  await Promise.all([...browsers.values()].map((b) => b.close()));
  await server.stop();
}

const at = (list, p) => list[Math.min(list.length - 1, Math.ceil(p * list.length) - 1)].toFixed(0);
const line = (list) => `p50 ${at(list, 0.5)} p95 ${at(list, 0.95)} max ${at(list, 1)}`;
for (const [way, list] of Object.entries(results)) {
  for (const who of ['Ann', 'Bob']) {
    const own = list.filter((r) => r.who === who);
    const sorted = (key) => own.map((r) => r[key]).sort((a, b) => a - b);
    console.log(`to ${way}, seen in ${kinds[who === 'Ann' ? 0 : 1]}, ${own.length}: gap ms ${line(sorted('gap'))} (before ${line(sorted('gapBefore'))}); ` +
      `made up ms ${line(sorted('concealed'))} (before ${line(sorted('concealedBefore'))})`);
  }
}
console.log(`failed: ${failed}`);
process.exit(failed ? 1 : 0);
