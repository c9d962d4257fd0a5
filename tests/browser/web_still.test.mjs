// tests/browser/web_still.test.mjs: a clinical still from asking to saving: consent each time, the very pixels, the hash; from
// Chromium and from Firefox; refused, cancelled, and resumed after the media worker died.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, Member } from './lib/browsers.mjs';
import { Server } from './lib/server.mjs';

const room = 'still';
const camera = { width: 640, height: 360, frameRate: 10 };

let server;
const browsers = {};
/** @type {Member} */ let doctor;

before(async () => {
  server = await Server.start({ args: ['--set', 'rooms.resume_window_seconds=10'] });
  browsers.chromium = await launch('chromium', { viewport: { width: 1000, height: 700 } });
  doctor = await Member.join(browsers.chromium, server.url, { room, name: 'Dr. Lee', camera }, {}, (page) => page.evaluateOnNewDocument(() => {
    // What is saved goes to the download folder, where a page cannot look: the test takes it on its way there.
    const create = URL.createObjectURL.bind(URL);
    URL.createObjectURL = (blob) => {
      window.saved = blob;
      return create(blob);
    };
  }));
});

after(async () => {
  await Promise.all(Object.values(browsers).map((b) => b.close()));
  await server?.stop();
});

const sha256 = `async (blob) => [...new Uint8Array(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer()))].map((b) => b.toString(16).padStart(2, '0')).join('')`;

/** @param {Member} patient */
async function ask(patient) {
  const tile = `.tile[data-participant="${await patient.evaluate(() => window.consilium.room.localParticipant.id)}"]`;
  await doctor.page.hover(tile);
  await doctor.choose(`${tile} .tile-menu`, 'still');
  await patient.waitFor(() => document.querySelector('.still-dialog[open] video')?.videoWidth > 0, 'asked, with its own picture');
}

async function joinPatient(kind, name, prepare) {
  browsers[kind] ??= await launch(kind, { viewport: { width: 800, height: 600 } });
  const patient = await Member.join(browsers[kind], server.url, { room, name, role: 'patient', camera }, {}, prepare);
  await Promise.all([doctor.seesVideos(1), patient.seesVideos(1)]);
  return patient;
}

/** The whole way, from the menu to the file. @param {Member} patient */
async function whole(patient, kind) {
  await ask(patient);
  await patient.screenshot(`still-asked-${kind}`);
  assert.equal(await patient.evaluate(() => document.querySelector('.still-dialog h2').textContent), 'Dr. Lee asks for a photo');
  await patient.click('dialog [data-action="take"]');
  await patient.waitFor(() => document.querySelector('.still-dialog canvas'), 'a photo to look at');
  const pixels = await patient.evaluate(() => {
    const { width, height } = document.querySelector('.still-dialog canvas');
    return { width, height };
  });
  await patient.screenshot(`still-preview-${kind}`);
  await patient.click('dialog [data-action="send"]');
  await doctor.waitFor(() => document.querySelector('.still-dialog canvas'), 'the photo');
  await patient.waitFor(() => [...document.querySelectorAll('.toast')].some((t) => t.textContent === 'Dr. Lee has the photo.'), 'told that it arrived');
  await doctor.screenshot(`still-received-${kind}`);
  assert.deepEqual(await doctor.evaluate(() => ({ width: document.querySelector('.still-dialog canvas').width, height: document.querySelector('.still-dialog canvas').height })), pixels);
  assert.ok(pixels.width >= 640, `${pixels.width} pixels wide`);
  await doctor.click('dialog [data-action="save"]');
  const hash = await doctor.page.evaluate(`(${sha256})(window.saved)`);
  assert.ok((await doctor.evaluate(() => document.querySelector('.hash').textContent)).includes(hash), 'the hash shown is that of the file');
  assert.match(await doctor.evaluate(() => window.saved.type), /^image\/(jpeg|png)$/);
  await doctor.click('dialog [data-action="close-dialog"]');
  await doctor.click('.still-card [data-action="forget"]');
  assert.equal(await patient.evaluate(() => document.querySelectorAll('.still-card, dialog').length), 0);
  assert.equal(await patient.evaluate(() => window.consilium.room.localParticipant.isEnabled('camera')), true, 'the camera is as it was');
}

test('Chromium: asked, seen, agreed, sent, checked, saved; another photo is another question', async () => {
  const patient = await joinPatient('chromium', 'Ms. Li');
  await whole(patient, 'chromium');

  await ask(patient);
  await patient.click('dialog [data-action="refuse"]');
  await doctor.waitFor(() => [...document.querySelectorAll('.toast')].some((t) => t.textContent === 'Ms. Li does not want to send a photo.'), 'told of the no');
  await ask(patient);
  await doctor.click('.still-card [data-action="cancel"]');
  await patient.waitFor(() => !document.querySelector('dialog'), 'not asked any more');

  await patient.click('#control-camera');
  await doctor.waitFor(() => [...window.consilium.room.remoteParticipants.values()][0].publication('camera').muted, 'told that the camera is off');
  const tile = '.tile.camera:not(.own)';
  await doctor.page.hover(tile);
  await doctor.click(`${tile} .tile-menu`);
  assert.equal(await doctor.evaluate(() => document.querySelector('.menu [data-action="still"]')), null, 'without a camera there is nothing to ask for');
  await doctor.page.keyboard.press('Escape');
  for (const member of [doctor, patient]) assert.deepEqual(member.takeErrors(), [], member.name);
  await patient.close();
  await doctor.waitFor(() => window.consilium.room.remoteParticipants.size === 0, 'alone');
});

test('Firefox: a frame of the camera, whole', async () => {
  const patient = await joinPatient('firefox', 'Herr Weber');
  await whole(patient, 'firefox');
  await patient.close();
  // Firefox under a driver closes a page without a word to it: the server gives up after the resume window.
  await doctor.waitFor(() => window.consilium.room.remoteParticipants.size === 0, 'alone', { timeout: 60_000 });
});

test('the worker dies half way: the call comes back and the photo goes on', { timeout: 90_000 }, async () => {
  const patient = await joinPatient('chromium', 'Mr. Ortiz', (page) => page.evaluateOnNewDocument(() => {
    // A camera with many pixels; noise does not compress.
    ImageCapture.prototype.takePhoto = async () => {
      const canvas = new OffscreenCanvas(1600, 1200);
      const context = canvas.getContext('2d');
      const data = context.createImageData(1600, 1200);
      for (let i = 0; i < data.data.length; i += 65_536) crypto.getRandomValues(data.data.subarray(i, i + 65_536));
      for (let i = 3; i < data.data.length; i += 4) data.data[i] = 255;
      context.putImageData(data, 0, 0);
      window.photo = await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.95 });
      return window.photo;
    };
  }));
  await ask(patient);
  await patient.click('dialog [data-action="take"]');
  await patient.click('dialog [data-action="send"]');
  await doctor.waitFor(() => document.querySelector('.still-card progress')?.value > 0.15, 'the first pieces');
  assert.ok(await doctor.evaluate(() => document.querySelector('.still-card progress').value < 1));
  process.kill([...server.children()].find(([kind]) => kind.startsWith('worker'))[1], 'SIGKILL');
  await doctor.waitFor(() => document.querySelector('.still-dialog canvas')?.width === 1600, 'the whole photo', { timeout: 60_000 });
  await doctor.click('dialog [data-action="save"]');
  const [sent, saved] = [await patient.page.evaluate(`(${sha256})(window.photo)`), await doctor.page.evaluate(`(${sha256})(window.saved)`)];
  assert.equal(saved, sent);
  await doctor.page.keyboard.press('Escape');
  await doctor.seesVideos(1);
});
