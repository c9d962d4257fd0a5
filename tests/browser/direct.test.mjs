// tests/browser/direct.test.mjs: two talk directly, a third brings them to the server, and back: nobody sees it happen.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, Member } from './lib/browsers.mjs';
import { becomes, changes, noteChanges, observe, observed, packetsBy, seesMoving } from './lib/direct.mjs';
import { colorCamera } from './lib/fakes.mjs';
import { Server } from './lib/server.mjs';

let server;
/** @type {Record<string, import('puppeteer-core').Browser>} */
const browsers = {};

before(async () => {
  server = await Server.start();
  browsers.chromium = await launch('chromium', { viewport: { width: 640, height: 480 } });
});

after(async () => {
  await Promise.all(Object.values(browsers).map((b) => b.close()));
  await server?.stop();
});

/** @param {string} kind @param {string} room @param {string} name @param {string} color */
const join = (kind, room, name, color, role = 'doctor') =>
  Member.join(browsers[kind], server.url, { room, name, role }, {}, async (page) => {
    await noteChanges(page);
    await colorCamera(page, color);
  });

/** Two go direct, a third comes and goes: the same elements, always a picture. */
async function thereAndBack(kinds, room) {
  const ann = await join(kinds[0], room, 'Ann', 'rgb(200,60,60)');
  const bob = await join(kinds[1], room, 'Bob', 'rgb(60,60,200)', 'patient');
  const two = [[ann, 'Bob'], [bob, 'Ann']];
  for (const [member, other] of two) {
    await becomes(member, 'p2p');
    await seesMoving(member, other);
    await changes(member, 1);
    await observe(member, other);
  }
  // Nothing of it passes the server any more.
  const before = await packetsBy(ann, 'sfu');
  const direct = await packetsBy(ann, 'p2p');
  await ann.waitFor(async (n) => {
    let packets = 0;
    for (const r of (await window.consilium.room.getStats('p2p')).values()) if (r.type === 'inbound-rtp') packets += r.packetsReceived;
    return packets > n + 100;
  }, 'receiving directly', {}, direct);
  assert.ok((await packetsBy(ann, 'sfu')) - before < 20, 'the server still sends');

  const cleo = await join('chromium', room, 'Cleo', 'rgb(60,200,60)');
  for (const [member, other] of two) {
    await becomes(member, 'sfu');
    await seesMoving(member, other);
    await seesMoving(member, 'Cleo');
  }
  for (const name of ['Ann', 'Bob']) await seesMoving(cleo, name);
  await cleo.evaluate(() => window.consilium.disconnect());
  await cleo.close();
  for (const [member, other] of two) {
    await becomes(member, 'p2p');
    await seesMoving(member, other);
  }
  for (const [member] of two) {
    const told = await changes(member, 3);
    assert.deepEqual(told.map((c) => c.topology), ['p2p', 'sfu', 'p2p']);
    assert.ok(told[2].at - told[1].at > 4000, 'it waits before it goes back');
    const seen = await observed(member);
    console.log(`${kinds.join('-')} ${member.name}: gaps ${told.map((c) => c.gapMs)} ms, longest ever ${seen.longest} ms`);
    assert.deepEqual(seen.found, []);
    assert.ok(seen.longest < 2000, `${seen.longest} ms without a picture`);
    assert.deepEqual(await member.evaluate(() => window.unsubscribed.filter((t) => !t.startsWith('Cleo'))), []);
    assert.deepEqual(member.takeErrors(), []);
  }
  return [ann, bob];
}

test('Chromium and Chromium: direct, a third comes and goes', { timeout: 90_000 }, async () => {
  const [ann, bob] = await thereAndBack(['chromium', 'chromium'], 'direct');
  await ann.evaluate(() => window.consilium.disconnect());
  await bob.waitFor(() => window.consilium.room.topology === 'sfu' && window.consilium.room.remoteParticipants.size === 0, 'alone');
  assert.equal((await changes(bob, 4))[3].reason, 'left');
  await Promise.all([ann.close(), bob.close()]);
});
