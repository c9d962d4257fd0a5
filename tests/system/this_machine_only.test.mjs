// tests/system/this_machine_only.test.mjs: `media.this_machine_only` from another network namespace. Runs in a namespace of its
// own (CMakeLists.txt makes it), joined by a pair of virtual interfaces to one more: the other machine.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import { after, before, test } from 'node:test';
import { end, Server } from './lib/server.mjs';
import { until } from './lib/until.mjs';

const [HERE, THERE] = ['10.77.0.1', '10.77.0.2'];
const DATAGRAMS = 20;
let other;

const ip = (...words) => execFileSync('ip', words);
const there = (...words) => execFileSync('nsenter', ['-t', String(other.pid), '-n', ...words]);
const namespace = (pid) => fs.readlinkSync(`/proc/${pid}/ns/net`);

before(async () => {
  ip('link', 'set', 'lo', 'up');
  other = spawn('unshare', ['-n', 'cat'], { stdio: ['pipe', 'ignore', 'inherit'] }); // lives as long as its input
  await until(() => namespace(other.pid) !== namespace('self'), 'the other namespace');
  ip('link', 'add', 'here', 'type', 'veth', 'peer', 'name', 'there');
  ip('link', 'set', 'there', 'netns', String(other.pid));
  ip('addr', 'add', `${HERE}/24`, 'dev', 'here');
  ip('link', 'set', 'here', 'up');
  there('ip', 'addr', 'add', `${THERE}/24`, 'dev', 'there');
  there('ip', 'link', 'set', 'there', 'up');
});

after(() => other?.stdin.end());

/** Datagrams that are no known protocol: each that arrives is counted as a drop. Ends when all are sent. */
const send = `
  const socket = require('node:dgram').createSocket('udp4');
  const [port, address, count] = [Number(process.argv[1]), process.argv[2], Number(process.argv[3])];
  let sent = 0;
  for (let i = 0; i < count; i++) socket.send(Buffer.from([0xff, i]), port, address, () => ++sent === count && socket.close());`;
const sender = (port) => [process.execPath, '-e', send, String(port), HERE, String(DATAGRAMS)];

/** @param {Record<string, string>} env @returns {Promise<{far: number, near: number}>} how many of each arrived */
async function arrived(env) {
  const server = await Server.start({ env });
  // By the worker itself: the kernel counts what its filter drops, too.
  const drops = async () => {
    const text = await (await server.api('/metrics')).text();
    return [...text.matchAll(/^consilium_dropped_packets_total\{.*reason=\"(?!kernel_)\w+\"\} (\d+)$/gm)].reduce((sum, [, n]) => sum + Number(n), 0);
  };
  const port = Number(server.child.spawnargs[server.child.spawnargs.indexOf('--media-port') + 1]);
  await until(async () => (await fetch(new URL('/readyz', server.url))).ok, 'ready');
  const start = await drops();
  there(...sender(port));
  execFileSync(sender(port)[0], sender(port).slice(1)); // over the loopback interface, though to the same address
  // The near ones come last: with them everything has arrived that will.
  await until(async () => (await drops()) - start >= DATAGRAMS, 'what was sent here');
  let count = (await drops()) - start;
  if (env.CONSILIUM_MEDIA_THIS_MACHINE_ONLY === 'false') count = await until(async () => ((await drops()) - start === 2 * DATAGRAMS ? 2 * DATAGRAMS : 0), 'the others');
  await end(server);
  return { far: count - DATAGRAMS, near: DATAGRAMS };
}

test('without the switch another machine reaches the media port', { timeout: 30_000 }, async () => {
  assert.equal((await arrived({ CONSILIUM_MEDIA_THIS_MACHINE_ONLY: 'false' })).far, DATAGRAMS);
});

test('media.this_machine_only: the kernel drops what another machine sends', { timeout: 30_000 }, async () => {
  assert.equal((await arrived({ CONSILIUM_MEDIA_THIS_MACHINE_ONLY: 'true' })).far, 0);
});
