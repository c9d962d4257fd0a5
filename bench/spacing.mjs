// bench/spacing.mjs: how Chromium spaces the packets of its pictures, and how consilium-load does: the same capture of both (spacing.py).
//
//   node bench/spacing.mjs [seconds]      default 15; root; needs build/release (or CONSILIUM) and tests/browser/node_modules
//
// A Chromium sends 1280 x 720 in three layers to another one through a server of its own; then consilium-load sends three layers of the same
// bitrate to one receiver through the same server.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

import { launch, Member } from '../tests/browser/lib/browsers.mjs';
import { binary, Server } from '../tests/browser/lib/server.mjs';

const seconds = process.argv[2] ?? '15';
const load = path.join(path.dirname(binary), 'consilium-load');
const settleMs = 8000; // until the estimate has climbed to the top layer

/** What comes to the server's media port meanwhile. @param {string} title */
async function capture(title) {
  console.log(`${title}:`);
  const [code] = await once(spawn('python3', [new URL('spacing.py', import.meta.url).pathname, String(server.media), seconds], { stdio: ['ignore', 'inherit', 'inherit'] }), 'exit');
  if (code !== 0) process.exitCode = 1;
}

const server = await Server.start();
const browser = await launch('chromium');
try {
  const room = { room: 'spacing' };
  await Member.join(browser, server.url, { ...room, name: 'Sender', camera: { width: 1280, height: 720, frameRate: 30 } }, { topology: 'never' });
  await Member.join(browser, server.url, { ...room, name: 'Receiver', role: 'observer' }, { topology: 'never' });
  await new Promise((resolve) => setTimeout(resolve, settleMs));
  await capture('Chromium');
} finally {
  await browser.close();
}
const sender = spawn(load, ['lecture', '--members', '1', '--layers', '3', '--warmup', String(settleMs / 1000), '--duration', seconds, '--url', server.url, '--quiet', '--accept-invalid'], { stdio: ['ignore', 'inherit', 'inherit'] });
const ended = once(sender, 'exit');
await new Promise((resolve) => setTimeout(resolve, settleMs));
await capture('consilium-load');
await ended;
await server.stop();
process.exit();
