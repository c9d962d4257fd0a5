// bench/switch.mjs: what a change between the direct connection and the server is to those who watch and listen.
//
//   node bench/switch.mjs [browser,browser] [switches]     default chromium,chromium 20; or chromium,firefox
//   VERBOSE=1: each change as a line of JSON
//
// Two talk directly, a third comes and goes. For each change and each of the two: the largest interval between presented
// pictures (requestVideoFrameCallback, half a second before and after; 30 fps source, so 33 ms are natural), and the sound that
// was made up in what was heard (getStats, half a second before to one second after). `rest` is the same interval while nothing
// changes: what pages, cameras and encoders of three browsers do to each other on this machine. Windows in which the page itself
// drew nothing for 100 ms, or the other one's camera, seen in its own page, gave no picture for 100 ms, say nothing of the change:
// they are `spoiled`, counted, and in `all`.

import { launch, Member } from '../tests/browser/lib/browsers.mjs';
import { becomes } from '../tests/browser/lib/direct.mjs';
import { Server } from '../tests/browser/lib/server.mjs';

const kinds = (process.argv[2] ?? 'chromium,chromium').split(',');
const switches = Number(process.argv[3] ?? 20);
// The change is measured, not the machine's encoders. The fake cameras give 30 pictures a second; a limit of 30 would make
// Chromium leave out those that come a little early.
const camera = { width: 320, height: 180, frameRate: 60 };
const SPOILED_MS = 100;
/** Before a change to direct, when the third has been gone for a while. */
const REST_MS = 2500;
const viewport = { width: 400, height: 300 };

/** Runs in a page: keeps when pictures were presented, when the connection changed, and what was made up of the sound heard. */
function record(name) {
  const { room } = window.consilium;
  const p = [...room.remoteParticipants.values()].find((x) => x.name === name);
  const [camera, microphone] = ['camera', 'microphone'].map((s) => p.publication(s).track);
  const pictures = (video) => {
    const times = [];
    const onFrame = (_, { presentationTime }) => {
      times.push(performance.timeOrigin + presentationTime);
      video.requestVideoFrameCallback(onFrame);
    };
    video.requestVideoFrameCallback(onFrame);
    return times;
  };
  const frames = pictures([...camera.elements][0]);
  const own = pictures([...room.localParticipant.publication('camera').track.elements][0]);
  const drawn = [];
  const draw = () => drawn.push(performance.timeOrigin + performance.now()) && requestAnimationFrame(draw);
  draw();
  const sound = [];
  const swaps = [];
  camera.on('mediaChanged', () => swaps.push(performance.timeOrigin + performance.now()));
  const plain = (id) => id?.replace(/[{}]/g, '');
  setInterval(async () => {
    const made = new Map();
    for (const way of ['p2p', 'sfu']) {
      for (const r of (await room.getStats(way)).values()) {
        if (r.type === 'inbound-rtp' && r.kind === 'audio') made.set(plain(r.trackIdentifier), r.concealedSamples);
      }
    }
    sound.push({ at: performance.timeOrigin + performance.now(), heard: plain(microphone.mediaStreamTrack?.id), made });
  }, 100);
  const gap = (times, at) => Math.max(...times.slice(1).map((t, i) => (t > at - 500 && times[i] < at + 500 ? t - times[i] : 0)));
  window.ownGap = (at) => gap(own, at);
  window.lastSwitch = (rest) => {
    const at = swaps.at(-1);
    let made = 0;
    for (let i = 1; i < sound.length; i++) {
      const now = sound[i];
      if (now.at > at - 500 && now.at < at + 1000 && sound[i - 1].made.has(now.heard)) made += Math.max(0, now.made.get(now.heard) - sound[i - 1].made.get(now.heard));
    }
    return { at, gap: gap(frames, at), rest: gap(frames, at - rest), drawn: gap(drawn, at), made: made / 48 };
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
      for (const [i, m] of two.entries()) {
        const seen = await m.evaluate((rest) => window.lastSwitch(rest), REST_MS);
        const source = await two[1 - i].evaluate((t) => window.ownGap(t), seen.at);
        results[way].push({ ...seen, source, spoiled: Math.max(seen.drawn, source) > SPOILED_MS, who: m.name });
        if (process.env.VERBOSE) console.log(JSON.stringify({ way, ...results[way].at(-1) }));
      }
    }
  }
} finally {
  await Promise.all([...browsers.values()].map((b) => b.close()));
  await server.stop();
}

const at = (list, p) => (list.length ? list[Math.min(list.length - 1, Math.ceil(p * list.length) - 1)].toFixed(0) : '-');
const line = (list, key) => {
  const sorted = list.map((r) => r[key]).sort((a, b) => a - b);
  return `p50 ${at(sorted, 0.5)} p90 ${at(sorted, 0.9)} max ${at(sorted, 1)}`;
};
for (const [way, list] of Object.entries(results)) {
  for (const [i, who] of ['Ann', 'Bob'].entries()) {
    const all = list.filter((r) => r.who === who);
    const judged = all.filter((r) => !r.spoiled);
    for (const [name, some] of [['judged', judged], ['all', all]]) {
      const rest = way === 'p2p' ? `; rest ${line(some, 'rest')}` : ''; // before the others the room has just changed
      console.log(`to ${way} in ${kinds[i]}, ${name} ${some.length}: gap ms ${line(some, 'gap')}${rest}; made up ms ${line(some, 'made')}; page ${line(some, 'drawn')}; camera ${line(some, 'source')}`);
    }
  }
}
console.log(`failed: ${failed}`);
process.exit(failed ? 1 : 0);
