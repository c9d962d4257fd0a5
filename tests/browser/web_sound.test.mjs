// tests/browser/web_sound.test.mjs: a browser that plays no sound before a gesture: the page says so, and a click starts it.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, Member } from './lib/browsers.mjs';
import { Server } from './lib/server.mjs';

let server;
const browsers = [];

before(async () => {
  server = await Server.start();
});

after(async () => {
  await Promise.all(browsers.map((b) => b.close()));
  await server?.stop();
});

test('an observer hears after one click', { timeout: 90_000 }, async () => {
  const viewport = { width: 640, height: 480 };
  // Firefox, and its strict policy: the way a test asks a page anything counts as a gesture elsewhere.
  browsers.push(await launch('chromium', { viewport }), await launch('firefox', { viewport, prefs: { 'media.autoplay.default': 1, 'media.autoplay.blocking_policy': 2 } }));
  const doctor = await Member.join(browsers[0], server.url, { room: 'sound', name: 'Dr. Lee' });
  // Who has a microphone open may play sound at once; an observer has none.
  const observer = await Member.join(browsers[1], server.url, { room: 'sound', name: 'Eve', role: 'observer' });
  await observer.waitFor(() => !document.getElementById('sound-blocked').hidden, 'asked for a click');
  assert.equal(await observer.evaluate(() => window.consilium.room.canPlaybackAudio), false);
  await observer.seesVideos(1); // pictures need no gesture
  await observer.click('#sound-unblock');
  await observer.waitFor(() => document.getElementById('sound-blocked').hidden && window.consilium.room.canPlaybackAudio, 'playing');
  await observer.waitFor(() => [...document.querySelectorAll('audio')].some((a) => !a.paused && a.currentTime > 0), 'hearing');
  // Nobody sees an observer, and it sends nothing.
  assert.equal(await doctor.evaluate(() => window.consilium.room.remoteParticipants.size), 0);
  assert.equal(await observer.evaluate(() => document.getElementById('control-microphone').hidden && document.getElementById('control-chat').hidden), true);
  for (const member of [doctor, observer]) assert.deepEqual(member.takeErrors(), [], member.name);
});
