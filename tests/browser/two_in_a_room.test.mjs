// tests/browser/two_in_a_room.test.mjs: the thinnest whole path: two browsers see and hear each other through our server,
// the voice with its face.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, Member } from './lib/browsers.mjs';
import { delayPictures, lipSync, noteConnections } from './lib/lip_sync.mjs';
import { Server } from './lib/server.mjs';

let server;
let browser;

before(async () => {
  server = await Server.start();
  browser = await launch('chromium');
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test('two Chromium pages see and hear each other', async () => {
  const room = { room: 'two' };
  const path = { topology: 'never' }; // the server's
  const anna = await Member.join(browser, server.url, { ...room, name: 'Anna' }, path);
  const ben = await Member.join(browser, server.url, { ...room, name: 'Ben', role: 'patient' }, path, noteConnections);
  await Promise.all([anna.seesVideos(1), ben.seesVideos(1)]);
  for (const member of [anna, ben]) {
    await member.waitFor(async () => {
      const reports = [...(await window.consilium.room.getStats()).values()];
      return reports.some((r) => r.type === 'inbound-rtp' && r.kind === 'audio' && r.totalAudioEnergy > 0);
    }, 'hearing the other');
    assert.equal(await member.evaluate(() => window.consilium.room.topology), 'sfu');
    assert.deepEqual(member.errors, []);
  }
  // In sync as it is; and when pictures come late, the browser holds back the sound that belongs to them.
  await apart(ben, 'in sync', ({ ahead }) => Math.abs(ahead) < 80);
  await delayPictures(ben, 300);
  await apart(ben, 'holding back the sound', ({ ahead, kept }) => kept > 250 && ahead < 200);
  await anna.screenshot('two_anna');
  await anna.close();
  await ben.waitFor(() => window.consilium.room.remoteParticipants.size === 0, 'alone again');
  await ben.close();
});

/** Browsers move sound and picture towards each other slowly. */
async function apart(member, what, is) {
  const until = performance.now() + 25_000;
  let now = null;
  while (!(now = await lipSync(member)) || !is(now)) {
    assert.ok(performance.now() < until, `${member.name} is not ${what}: ${JSON.stringify(now)}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
