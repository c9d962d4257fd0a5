// tests/browser/web_screen.test.mjs: a shared screen with sound, from Chromium and from Firefox, seen large by the other.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, Member } from './lib/browsers.mjs';
import { fakeScreen } from './lib/fakes.mjs';
import { Server } from './lib/server.mjs';

const room = 'screen';

let server;
const browsers = [];

before(async () => {
  server = await Server.start();
});

after(async () => {
  await Promise.all(browsers.map((b) => b.close()));
  await server?.stop();
});

async function open(kind, who, prepare) {
  const browser = await launch(kind, { viewport: { width: 640, height: 480 } });
  browsers.push(browser);
  return Member.join(browser, server.url, { room, ...who }, {}, prepare);
}

/** The viewer sees the screen large and hears its sound; when sharing ends both are gone. */
async function shares(sharer, viewer) {
  await sharer.click('#control-screen');
  await viewer.waitFor(() => {
    const video = document.querySelector('.tile.screen[data-place="focus"] video');
    return video?.videoWidth > 0 && video.readyState >= 2 && !('waiting' in video.dataset);
  }, 'seeing the screen', { timeout: 40_000 });
  assert.equal(await viewer.evaluate(() => document.getElementById('grid').dataset.mode), 'focus');
  await viewer.waitFor(async () => {
    const audio = document.querySelector('audio[data-source="screenAudio"]');
    const mine = audio?.srcObject?.getTracks()[0]?.id;
    return mine && [...(await window.consilium.room.getStats()).values()].some((r) => r.type === 'inbound-rtp' && r.trackIdentifier === mine && r.totalAudioEnergy > 0);
  }, 'hearing the screen');
  // One's own screen is never the large one: a hall of mirrors. It is there because others point at it.
  assert.ok(['strip', 'grid'].includes(await sharer.evaluate(() => document.querySelector('.tile.screen.own').dataset.place)));
  await sharer.click('#control-screen');
  await viewer.waitFor(() => !document.querySelector('.tile.screen') && !document.querySelector('audio[data-source="screenAudio"]'), 'rid of the screen');
}

test('a screen is seen and heard, twice over, and by who comes later', { timeout: 180_000 }, async () => {
  const chen = await open('chromium', { name: 'Dr. Chen' }, fakeScreen);
  const li = await open('chromium', { name: 'Ms. Li', role: 'patient' });
  await li.seesVideos(1);
  await shares(chen, li);
  await shares(chen, li); // the same m-lines, new tracks

  await chen.click('#control-screen');
  await li.waitFor(() => document.querySelector('.tile.screen video')?.videoWidth > 0, 'seeing it again');
  const weber = await open('firefox', { name: 'Herr Weber', role: 'interpreter' }, fakeScreen);
  await weber.waitFor(() => document.querySelector('.tile.screen video')?.videoWidth > 0, 'seeing it in Firefox', { timeout: 40_000 });

  // The browser's own "stop sharing" ends the track, not our button.
  await chen.evaluate(() => {
    const { mediaStreamTrack } = window.consilium.room.localParticipant.publication('screen').track;
    mediaStreamTrack.stop();
    mediaStreamTrack.dispatchEvent(new Event('ended'));
  });
  for (const other of [li, weber]) await other.waitFor(() => !document.querySelector('.tile.screen'), 'rid of the screen');
  await chen.waitFor(() => document.getElementById('control-screen').dataset.state === 'on', 'button back');

  await shares(weber, li);
  for (const member of [chen, li, weber]) assert.deepEqual(member.takeErrors(), [], member.name);
});

test('who closes the chooser shares nothing and is not blamed', { timeout: 60_000 }, async () => {
  const nia = await Member.join(browsers[0], server.url, { room: 'chooser', name: 'Nia' }, {}, (page) =>
    page.evaluateOnNewDocument(() => {
      if (navigator.mediaDevices) navigator.mediaDevices.getDisplayMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
    }));
  await nia.click('#control-screen');
  await nia.waitFor(() => !document.getElementById('control-screen').hasAttribute('aria-busy'), 'done');
  assert.equal(await nia.evaluate(() => window.consilium.room.localParticipant.isEnabled('screen')), false);
  assert.equal(await nia.evaluate(() => document.querySelectorAll('.toast').length), 0);
  assert.deepEqual(nia.takeErrors(), []);
});
