// tests/browser/two_in_a_room.test.mjs: the thinnest whole path: two browsers see and hear each other through our server.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, Member } from './lib/browsers.mjs';
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
  const ben = await Member.join(browser, server.url, { ...room, name: 'Ben', role: 'patient' }, path);
  await Promise.all([anna.seesVideos(1), ben.seesVideos(1)]);
  for (const member of [anna, ben]) {
    await member.waitFor(async () => {
      const reports = [...(await window.consilium.room.getStats()).values()];
      return reports.some((r) => r.type === 'inbound-rtp' && r.kind === 'audio' && r.totalAudioEnergy > 0);
    }, 'hearing the other');
    assert.equal(await member.evaluate(() => window.consilium.room.topology), 'sfu');
    assert.deepEqual(member.errors, []);
  }
  await anna.screenshot('two_anna');
  await anna.close();
  await ben.waitFor(() => window.consilium.room.remoteParticipants.size === 0, 'alone again');
  await ben.close();
});
