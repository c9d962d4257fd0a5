// tests/system/lib/server.mjs: the server of the browser tests, ended with a look at how it ended.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Server as Base } from '../../browser/lib/server.mjs';

/** @type {Set<Base>} */
const running = new Set();
// A test that fails half way leaves no server behind; a killed supervisor takes its processes with it.
process.on('exit', () => running.forEach(({ child }) => child.kill('SIGKILL')));

export class Server extends Base {
  static async start(options) {
    const server = await Base.start(options);
    running.add(server);
    server.exited.then(() => running.delete(server));
    return server;
  }
}

/**
 * Ends the server. None of its processes may have died by itself, now or before.
 * @param {Server | undefined} server @param {{killed?: number}} [options] how many of them the test killed with SIGKILL
 */
export async function end(server, { killed = 0 } = {}) {
  if (!server) return;
  await server.stop();
  if (!server.child.stderr.readableEnded) await once(server.child.stderr, 'close');
  assert.doesNotMatch(server.log, /Sanitizer|runtime error:/);
  const deaths = server.log.split('\n').filter((line) => line.includes('process_died'));
  assert.deepEqual(deaths.filter((line) => !line.includes(' signal=9 ')), [], 'a process crashed');
  assert.equal(deaths.length, killed, deaths.join('\n'));
}
