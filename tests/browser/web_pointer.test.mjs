// tests/browser/web_pointer.test.mjs: who points at a shared screen or a camera's picture is seen by all, by name, at the same
// place of the picture, whatever the size and shape it is shown in; between Chromium and Firefox, on a desktop and on a phone.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, Member } from './lib/browsers.mjs';
import { fakeScreen } from './lib/fakes.mjs';
import { Server } from './lib/server.mjs';

const room = 'pointer';
const camera = { width: 320, height: 180, frameRate: 10 };
const HOSTILE = '<img src=x onerror="window.hacked=1">';

let server;
let chromium;
let firefox;
/** @type {Member} */ let doctor;
/** @type {Member} */ let patient;

before(async () => {
  server = await Server.start();
  [chromium, firefox] = await Promise.all([launch('chromium', { viewport: { width: 1100, height: 700 } }), launch('firefox', { viewport: { width: 900, height: 650 } })]);
  doctor = await Member.join(chromium, server.url, { room, name: 'Dr. Lee', camera }, {}, fakeScreen);
  patient = await Member.join(firefox, server.url, { room, name: HOSTILE, role: 'patient', camera });
  await Promise.all([doctor.seesVideos(1), patient.seesVideos(1)]);
});

after(async () => {
  await Promise.all([chromium?.close(), firefox?.close()]);
  await server?.stop();
});

/** Runs in the page: where (x, y) of a tile's picture is on the page, or the reverse. Written without the page's own arithmetic. */
const placeIn = `(selector, x, y, reverse) => {
  const tile = document.querySelector(selector);
  const video = tile.querySelector('video');
  const box = video.getBoundingClientRect();
  const covers = getComputedStyle(video).objectFit === 'cover';
  const [a, b] = [box.width / video.videoWidth, box.height / video.videoHeight];
  const scale = covers ? Math.max(a, b) : Math.min(a, b);
  const [w, h] = [video.videoWidth * scale, video.videoHeight * scale];
  const [left, top] = [box.left + (box.width - w) / 2, box.top + (box.height - h) / 2];
  const flip = (v) => (tile.classList.contains('mirrored') ? 1 - v : v);
  return reverse ? { x: flip((x - left) / w), y: (y - top) / h } : { x: left + flip(x) * w, y: top + y * h };
}`;

/** @param {Member} member */
async function pointAt(member, selector, x, y) {
  await member.page.bringToFront();
  await member.waitFor(() => document.getAnimations().every((a) => a.playState === 'finished'), 'at rest'); // tiles may be on their way
  const at = await member.page.evaluate(`(${placeIn})(${JSON.stringify(selector)}, ${x}, ${y}, false)`);
  await member.page.mouse.move(at.x - 3, at.y - 3);
  await member.page.mouse.move(at.x, at.y);
}

/** @param {Member} member @param {string} from the participant who points @returns where in the tile's picture the dot is seen */
async function seen(member, selector, from, expected) {
  // Several messages may be on their way: the last place is awaited.
  const check = `(() => {
    const dot = document.querySelector(${JSON.stringify(`${selector} .pointer[data-participant="${from}"] .pointer-dot`)});
    if (!dot) return false;
    const r = dot.getBoundingClientRect();
    const p = (${placeIn})(${JSON.stringify(selector)}, r.left + r.width / 2, r.top + r.height / 2, true);
    return Math.abs(p.x - ${expected[0]}) < 0.015 && Math.abs(p.y - ${expected[1]}) < 0.015;
  })()`;
  try {
    await member.page.waitForFunction(check, { timeout: 20_000, polling: 50 });
  } catch (error) {
    throw new Error(`${member.name} does not see the pointer of ${from} at ${expected} in ${selector}: ${await member.evaluate(() => document.querySelector('.pointer')?.outerHTML)}`, { cause: error });
  }
}

const idOf = (member) => member.evaluate(() => window.consilium.room.localParticipant.id);

test('on a shared screen: Firefox points, the sharer in Chromium sees it on the picture of the own screen', async () => {
  await doctor.evaluate(() => window.consilium.room.localParticipant.setScreenShareEnabled(true));
  await patient.waitFor(() => document.querySelector('.tile.screen video')?.videoWidth > 0, 'the screen');
  await doctor.waitFor(() => document.querySelector('.tile.screen.own video')?.videoWidth > 0, 'the own screen');
  await patient.click('#control-pointer');
  const from = await idOf(patient);
  for (const place of [[0.25, 0.5], [0.9, 0.1]]) {
    await pointAt(patient, '.tile.screen', ...place);
    await seen(doctor, '.tile.screen.own', from, place);
    await seen(patient, '.tile.screen', from, place); // one's own is seen as the others see it
  }
  assert.equal(await doctor.evaluate(() => document.querySelector('.pointer-name').textContent), HOSTILE);
  assert.equal(await doctor.evaluate(() => window.hacked), undefined);
  await doctor.screenshot('pointer-own-screen');
  await patient.screenshot('pointer-firefox');
});

test('it goes when the mouse leaves the picture, and when pointing is ended', async () => {
  await patient.page.mouse.move(5, 5);
  await doctor.waitFor(() => !document.querySelector('.pointer'), 'rid of the pointer');
  await pointAt(patient, '.tile.screen', 0.5, 0.5);
  await doctor.waitFor(() => document.querySelector('.pointer'), 'pointed at again');
  await patient.page.keyboard.press('Escape');
  await doctor.waitFor(() => !document.querySelector('.pointer'), 'rid of the pointer');
  assert.equal(await patient.evaluate(() => document.getElementById('control-pointer').dataset.state), 'on');
});

test('on a camera, cut differently here and there and mirrored at its owner', async () => {
  await doctor.evaluate(() => window.consilium.room.localParticipant.setScreenShareEnabled(false));
  await patient.waitFor(() => !document.querySelector('.tile.screen'), 'rid of the screen');
  await doctor.click('#control-pointer');
  const [from, to] = [await idOf(doctor), await idOf(patient)];
  for (const place of [[0.4, 0.35], [0.62, 0.7]]) {
    await pointAt(doctor, `.tile[data-participant="${to}"]`, ...place);
    await seen(patient, '.tile.own.camera', from, place);
  }
  await doctor.page.setViewport({ width: 700, height: 800 }); // another cut of the same picture
  await pointAt(doctor, `.tile[data-participant="${to}"]`, 0.45, 0.5);
  await seen(patient, '.tile.own.camera', from, [0.45, 0.5]);
  await seen(doctor, `.tile[data-participant="${to}"]`, from, [0.45, 0.5]);
  await doctor.page.setViewport({ width: 1100, height: 700 });
  await doctor.click('#control-pointer');
});

test('a finger on a phone points; a third person sees it at the same place; who leaves takes it along', async () => {
  const phone = await Member.join(chromium, server.url, { room, name: 'Iris', role: 'interpreter', camera }, { camera: '0' }, (page) => page.setViewport({ width: 390, height: 844, hasTouch: true, isMobile: true }));
  await phone.seesVideos(2);
  await phone.choose('#room-menu', 'pointer');
  const [from, to] = [await idOf(phone), await idOf(patient)];
  const tile = `.tile[data-participant="${to}"]`;
  const at = await phone.page.evaluate(`(${placeIn})(${JSON.stringify(tile)}, 0.5, 0.6, false)`);
  await phone.page.touchscreen.touchStart(at.x - 20, at.y);
  await phone.page.touchscreen.touchMove(at.x, at.y);
  await seen(doctor, tile, from, [0.5, 0.6]);
  await seen(patient, '.tile.own.camera', from, [0.5, 0.6]);
  await phone.screenshot('pointer-phone');
  await phone.click('#control-leave');
  await doctor.waitFor(() => !document.querySelector('.pointer'), 'rid of the pointer');
  await phone.close();
  for (const member of [doctor, patient]) assert.deepEqual(member.takeErrors(), [], member.name);
});

test('hostile messages: unknown tracks, floods, noise; nothing is shown, nothing breaks', async () => {
  await patient.evaluate(async () => {
    const { room } = window.consilium;
    const place = (track) => Uint8Array.from([0x43, 0x50, 1, 0x80, 0, 0x80, 0, ...new TextEncoder().encode(track)]);
    for (let i = 0; i < 300; i++) await room.sendData(place(`t_${i}`), { reliable: false });
    for (const bytes of [[0x43, 0x50], [0x43, 0x50, 1], [0x43, 0x50, 9, 9, 9, 9, 9, 9, 9], [0x43, 0x53, 3, ...new Array(40).fill(255)], [0x43, 0x53, 0]]) {
      await room.sendData(Uint8Array.from(bytes), { reliable: false });
      await room.sendData(Uint8Array.from(bytes));
    }
    await room.sendChat('all sent');
  });
  await doctor.waitFor(() => window.consilium.room.chat.some((m) => m.text === 'all sent'), 'everything that was sent');
  assert.equal(await doctor.evaluate(() => document.querySelectorAll('.pointer').length), 0);
  assert.deepEqual(doctor.takeErrors(), []);
});
