// bench/lip_sync.mjs: how far voice and face are apart for who watches, directly and over the server.
//
//   node bench/lip_sync.mjs [seconds] [direct|server]     default 12 for each of four
//
// Two Chromiums; five times a second one of them is asked which moment of the other's time it plays and which it shows
// (getStats, estimatedPlayoutTimestamp). `held`: its pictures are kept 300 ms longer (jitterBufferTarget), as a bad link makes them.

import { launch, Member } from '../tests/browser/lib/browsers.mjs';
import { becomes } from '../tests/browser/lib/direct.mjs';
import { delayPictures, lipSync, noteConnections } from '../tests/browser/lib/lip_sync.mjs';
import { Server } from '../tests/browser/lib/server.mjs';
import { calmCamera } from './switch/calm_camera.mjs';
import { percentile } from './switch/figures.mjs';

const seconds = Number(process.argv[2] ?? 12);
const ways = [['direct', 'auto'], ['server', 'never']].filter(([way]) => (process.argv[3] ?? way) === way);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const server = await Server.start();
const calm = calmCamera();
const browser = await launch('chromium', { viewport: { width: 400, height: 300 }, args: calm.args });
const camera = { width: 320, height: 180, frameRate: 60 };
try {
  for (const [way, topology] of ways) {
    const join = (name) => Member.join(browser, server.url, { room: way, name, camera }, { topology }, noteConnections);
    const [ann, bob] = [await join('Ann'), await join('Bob')];
    await becomes(bob, way === 'direct' ? 'p2p' : 'sfu');
    await Promise.all([ann.seesVideos(1), bob.seesVideos(1)]);
    for (const [what, ms] of [['as it is', null], ['held', 300]]) {
      if (ms) await delayPictures(bob, ms);
      await pause(7000); // browsers move towards each other slowly
      const found = [];
      for (let i = 0; i < seconds * 5; i++) {
        const now = await lipSync(bob);
        if (now) found.push(now);
        await pause(200);
      }
      const apart = found.map((f) => Math.abs(f.ahead));
      const line = (list) => `p50 ${percentile(list, 0.5).toFixed(0)} p95 ${percentile(list, 0.95).toFixed(0)} max ${percentile(list, 1).toFixed(0)}`;
      console.log(`${way}, ${what}: apart ms ${line(apart)} (of ${found.length}); sound ahead p50 ${percentile(found.map((f) => f.ahead), 0.5).toFixed(0)}; pictures kept ${percentile(found.map((f) => f.kept), 0.5).toFixed(0)} ms`);
    }
    await Promise.all([ann.close(), bob.close()]);
  }
} finally {
  await browser.close();
  await server.stop();
  calm.remove();
}
process.exit(0);
