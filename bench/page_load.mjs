// bench/page_load.mjs: how long the call page takes behind an emulated link until it is in a room: opened, and reloaded.
//
//   sudo node bench/page_load.mjs [PROFILE] [--seed 1]      3g unless named; bench/wan lists the profiles
//
// Chromium with an empty cache is behind the link, the server on this side of it, over TLS. Counted from the navigation: until the
// modules have run, and until the room was joined (microphone and camera off: the link of a person who only opens the page).
// Needs build/release (or CONSILIUM, CONSILIUM_WAN) and tests/browser/node_modules.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { launch } from '../tests/browser/lib/browsers.mjs';
import { Server } from '../tests/browser/lib/server.mjs';

const words = process.argv.slice(2);
const seed = words.includes('--seed') ? words[words.indexOf('--seed') + 1] : '1';
const profile = words[0] && !words[0].startsWith('--') ? words[0] : '3g';
process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
const number = 100 + (process.pid % 100);

/** Runs in the page: requests so far, their bytes on the link as the browser counts them, and unpacked. */
function count() {
  const all = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
  const sum = (key) => all.reduce((total, entry) => total + entry[key], 0);
  return { requests: all.length, bytes: sum('transferSize'), unpacked: sum('decodedBodySize') };
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'consilium-page-'));
const wrapper = path.join(folder, 'chromium');
const wrap = (chromium) => {
  const wan = new URL('./wan', import.meta.url).pathname;
  fs.writeFileSync(wrapper, `#!/bin/sh\nexec ${wan} run ${profile} --seed ${seed} --number ${number} -- ${chromium} "$@"\n`, { mode: 0o755 });
  return wrapper;
};
const server = await Server.start({ address: '0.0.0.0' });
let browser;
try {
  browser = await launch('chromium', { wrap, args: ['--ignore-certificate-errors', '--disable-features=WebRtcHideLocalIpsWithMdns,MediaRouter,OptimizationHints'] });
  const page = await browser.newPage();
  const query = new URLSearchParams({ room: 'load', name: 'One', role: 'doctor', autojoin: '1', microphone: '0', camera: '0', lang: 'en', topology: 'never' });
  const url = `https://10.77.${number}.1:${new URL(server.url).port}/?${query}`;
  for (const way of ['opened', 'reloaded']) {
    const began = performance.now();
    const seconds = () => ((performance.now() - began) / 1000).toFixed(1);
    const until = { timeout: 120_000, waitUntil: 'domcontentloaded' };
    await (way === 'opened' ? page.goto(url, until) : page.reload(until));
    const run = seconds();
    await page.waitForFunction(() => window.consilium?.room?.localParticipant.id, { timeout: 120_000, polling: 50 });
    const { requests, bytes, unpacked } = await page.evaluate(count);
    console.log(`${profile}, ${way}: modules have run after ${run} s, in the room after ${seconds()} s; ${requests} requests, ${bytes} bytes (${unpacked} unpacked)`);
  }
} finally {
  await browser?.close();
  await server.stop();
  fs.rmSync(folder, { recursive: true, force: true });
}
process.exit(0);
