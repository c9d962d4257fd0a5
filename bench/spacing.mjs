// bench/spacing.mjs: how Chromium's pacer spaces the packets of a frame: a browser sends, spacing.py captures (root).
//
//   node bench/spacing.mjs [seconds]        default 15; needs build/release/consilium and tests/browser/node_modules
//
// A publisher of 1280x720 at 30 frames a second in three layers, and one who watches it at full size, over our server. The
// figures that consilium-load imitates stand in bench/load/media_sender.h; they were captured by spacing.py.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { launch, Member } from '../tests/browser/lib/browsers.mjs';
import { Server } from '../tests/browser/lib/server.mjs';

const seconds = Number(process.argv[2] ?? 15);
const server = await Server.start();
const browser = await launch('chromium', { viewport: { width: 1300, height: 800 } });
try {
  const camera = { width: 1280, height: 720, frameRate: 30 };
  await Member.join(browser, server.url, { room: 'spacing', name: 'Publisher', camera }, { topology: 'never' });
  const watcher = await Member.join(browser, server.url, { room: 'spacing', name: 'Watcher', role: 'observer' }, { topology: 'never' });
  await watcher.seesVideos(1);
  const port = server.child.spawnargs[server.child.spawnargs.indexOf('--media-port') + 1];
  console.log(await browser.version());
  const capture = spawn('python3', [new URL('spacing.py', import.meta.url).pathname, port, String(seconds)], { stdio: 'inherit' });
  process.exitCode = (await once(capture, 'exit'))[0];
} finally {
  await browser.close();
  await server.stop();
}
