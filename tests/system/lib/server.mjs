// tests/system/lib/server.mjs: the server of the browser tests, ended with a look at how it ended.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Server } from '../../browser/lib/server.mjs';

export { Server };

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
