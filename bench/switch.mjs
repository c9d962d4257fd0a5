// bench/switch.mjs: what a change between the direct connection and the server is to those who watch and listen.
//
//   node bench/switch.mjs [--browsers chromium,firefox] [--pairs 8] [--out FILE] [--trace FILE] [--no-control] [--smooth]
//   node bench/switch.mjs --summary FILE...
//
// Two talk directly, a third comes and goes (a pair of changes). For each change and each of the two one line of JSON: the
// longest interval between presented pictures (requestVideoFrameCallback, half a second before and after; 30 fps source, so 33 ms
// are natural), the same at a moment at rest, and the sound that was made up in what was heard (getStats, half a second before to one second
// after). A window is spoiled when something that the change does not touch stood still at the same moment: our own preview, the other
// one's camera in its own page, the page's own drawing, or the control, a small call of the page with itself. Spoiled ones are counted
// and in `all`. `--out` adds the lines to a file, so that many changes can be measured in pieces; `--trace` keeps all pictures.
//
// Chromium fits other people's pictures to the clock of the display. Without a display that clock changes between 60 and 30 Hz, and a tenth
// of the pictures is never shown, at rest as well; so that is switched off, unless `--smooth` says otherwise.

import fs from 'node:fs';
import { parseArgs } from 'node:util';
import { launch, Member } from '../tests/browser/lib/browsers.mjs';
import { becomes } from '../tests/browser/lib/direct.mjs';
import { Server } from '../tests/browser/lib/server.mjs';
import { calmCamera } from './switch/calm_camera.mjs';
import { judge } from './switch/figures.mjs';
import { record } from './switch/record.mjs';
import { summarize } from './switch/summary.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    browsers: { type: 'string', default: 'chromium,chromium' }, pairs: { type: 'string', default: '8' }, out: { type: 'string' }, trace: { type: 'string' },
    control: { type: 'boolean', default: true }, smooth: { type: 'boolean', default: false }, summary: { type: 'boolean', default: false },
  },
  allowNegative: true,
});
const kinds = options.browsers.split(',');
const NAMES = ['Ann', 'Bob'];
// The change is measured, not the machine's encoders. The fake cameras give 30 pictures a second; a limit of 30 would make
// Chromium leave out those that come a little early.
const camera = { width: 320, height: 180, frameRate: 60 };
const viewport = { width: 400, height: 440 };
/** Until what belongs to a change is over; and before the next one the two rest as long. */
const AFTER_MS = 1200;
const REST_MS = 500;

/** A page with nothing but the SDK, the other one's picture and sound, and one's own picture. */
async function join(browser, server, name) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  const member = new Member(page, name, context);
  await page.goto(`${server.url}/examples/`);
  const token = await server.token({ room: 'switch', name, role: 'doctor' });
  await member.evaluate(async (t, weak) => {
    const { createClient } = await import('/sdk/consilium.js');
    const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    navigator.mediaDevices.getUserMedia = () => open({ audio, video: weak });
    const client = createClient({ token: t });
    const room = await client.join();
    document.body.replaceChildren();
    const show = (track) => track.elements.size === 0 && document.body.append(track.attach());
    room.on('trackSubscribed', (track, _, { name: who }) => who !== 'Cleo' && show(track));
    const errors = await room.localParticipant.enableCameraAndMicrophone();
    if (errors.length) throw errors[0];
    show(room.localParticipant.publication('camera').track);
    window.consilium = client;
  }, token, camera);
  return member;
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function change(two, third, server, way) {
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
  const results = await Promise.allSettled(two.map((m) => becomes(m, way, { timeout: 15_000 })));
  return results.every((r) => r.status === 'fulfilled');
}

async function look(two, way, n, counts) {
  const lines = [];
  for (const [i, m] of two.entries()) {
    const moments = await m.evaluate((from) => window.switches(from), counts[i]);
    const failed = moments.length === 0; // told of a change and shown none
    const at = moments.at(-1) ?? (await m.evaluate(() => performance.timeOrigin + performance.now()));
    const seen = await m.evaluate((from, to) => window.presented(from, to), at - 4500, at + 1000);
    const source = (await two[1 - i].evaluate((from, to) => window.presented(from, to), at - 4500, at + 1000)).own;
    const made = await m.evaluate((from, to) => window.madeUp(from, to), at - 500, at + 1000);
    const kept = await m.evaluate((from, to) => window.soundKept(from, to), at, at + 1100);
    // Before a change to direct the third has been gone for seconds; before the other one it has just come.
    const rest = way === 'p2p' ? judge(seen, source, at - 2500) : null;
    // A change that was taken back and made again is one: its longest pause is its own.
    const judged = (failed ? [at] : moments).map((moment) => judge(seen, source, moment)).reduce((a, b) => (!a || (b && b.gap > a.gap) ? b : a), null);
    lines.push({ kinds: `${kinds[i]}<${kinds[1 - i]}`, way, who: m.name, n, failed, again: (moments.length - 1) / 2, ...judged, made, kept, rest });
    if (options.trace) fs.appendFileSync(options.trace, `${JSON.stringify({ ...lines.at(-1), at, seen, source })}\n`);
  }
  return lines;
}

async function measure() {
  const server = await Server.start();
  const calm = calmCamera();
  const browsers = new Map();
  const lines = [];
  try {
    for (const kind of new Set(['chromium', ...kinds])) browsers.set(kind, await launch(kind, { viewport, args: kind === 'chromium' ? [...calm.args, ...(options.smooth ? [] : ['--disable-rtc-smoothness-algorithm'])] : [] }));
    const two = [];
    for (const [i, name] of NAMES.entries()) two.push(await join(browsers.get(kinds[i]), server, name));
    const third = await (await browsers.get('chromium').createBrowserContext()).newPage();
    await third.goto(`${server.url}/examples/`).catch(() => {});
    for (const m of two) await becomes(m, 'p2p');
    await pause(2000);
    for (const [i, m] of two.entries()) await m.evaluate(record, NAMES[1 - i], options.control);
    await pause(3000);
    for (let n = 0; n < Number(options.pairs); n++) {
      for (const way of ['sfu', 'p2p']) {
        const counts = await Promise.all(two.map((m) => m.evaluate(() => window.switchCount())));
        const ok = await change(two, third, server, way);
        await pause(AFTER_MS);
        for (const line of await look(two, way, n, counts)) {
          lines.push({ ...line, failed: line.failed || !ok });
          if (options.out) fs.appendFileSync(options.out, `${JSON.stringify(lines.at(-1), (_, v) => (typeof v === 'number' ? Math.round(v * 10) / 10 : v))}\n`);
        }
        await pause(way === 'p2p' ? REST_MS : 0);
      }
    }
  } finally {
    await Promise.all([...browsers.values()].map((b) => b.close()));
    await server.stop();
    calm.remove();
  }
  return lines;
}

const read = (file) => fs.readFileSync(file, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
const lines = options.summary ? positionals.flatMap(read) : await measure();
console.log(summarize(lines));
process.exit(lines.some((l) => l.failed) ? 1 : 0);
