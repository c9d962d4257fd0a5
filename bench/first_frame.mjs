// bench/first_frame.mjs: how long it takes from joining to the first decoded frame, in real Chromiums on one machine.
//
//   node bench/first_frame.mjs [joins]        default 20; needs build/release/consilium and tests/browser/node_modules
//
// From the instant the page opens its WebSocket (token in hand) to the first presented frame of somebody who is in the room
// already: WebSocket, hello, join, offer and answer, ICE, DTLS, key frame, decoding, painting.

import { launch, Member } from '../tests/browser/lib/browsers.mjs';
import { Server } from '../tests/browser/lib/server.mjs';

const joins = Number(process.argv[2] ?? 20);
const camera = { width: 640, height: 360, frameRate: 30 };

/** Runs in the joining page before anything else: notes when the socket opens and when the first remote picture is there. */
function observe() {
  window.timing = {};
  const Socket = window.WebSocket;
  window.WebSocket = class extends Socket {
    constructor(...args) {
      window.timing.began ??= performance.now();
      super(...args);
    }
  };
  new MutationObserver(() => {
    for (const video of document.querySelectorAll('video[data-participant]:not([data-own])')) {
      if (video.watched) continue;
      video.watched = true;
      video.requestVideoFrameCallback((now) => (window.timing.frame ??= now));
    }
  }).observe(document, { subtree: true, childList: true, attributes: true });
}

const server = await Server.start();
const browser = await launch('chromium');
const times = [];
try {
  await Member.join(browser, server.url, { room: 'first-frame', name: 'Publisher', camera });
  for (let i = 0; i < joins; i++) {
    const context = await browser.createBrowserContext();
    const page = await context.newPage();
    await page.evaluateOnNewDocument(observe);
    // Observers join as members do, but open no camera of their own: what is timed is the way to the picture.
    await page.goto(`${server.url}/?room=first-frame&name=Joiner&role=observer&autojoin=1&lang=en`);
    await page.waitForFunction(() => window.timing.frame, { timeout: 20_000, polling: 20 });
    times.push(await page.evaluate(() => window.timing.frame - window.timing.began));
    await context.close();
  }
} finally {
  await browser.close();
  await server.stop();
}
times.sort((a, b) => a - b);
const at = (p) => times[Math.min(times.length - 1, Math.ceil(p * times.length) - 1)].toFixed(0);
console.log(`join to first decoded frame, ms, ${times.length} joins: p50 ${at(0.5)} p95 ${at(0.95)} min ${at(0.001)} max ${at(1)}`);
process.exit(0);
