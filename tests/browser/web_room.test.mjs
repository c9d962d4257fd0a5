// tests/browser/web_room.test.mjs: the room page beyond the call itself: views, people, shortcuts, cameras, guests and the
// waiting room, languages; on a desktop and on a phone.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, Member } from './lib/browsers.mjs';
import { fakeScreen } from './lib/fakes.mjs';
import { Server } from './lib/server.mjs';

const room = 'room';
const camera = { width: 320, height: 180, frameRate: 10 };

let server;
let browser;
/** @type {Member} */ let doctor;
/** @type {Member} */ let patient;
/** @type {Member} */ let interpreter;

before(async () => {
  server = await Server.start();
  browser = await launch('chromium', { viewport: { width: 1100, height: 700 }, args: ['--use-fake-device-for-media-stream=device-count=2,fps=20'] });
  doctor = await Member.join(browser, server.url, { room, name: 'Dr. Lee', camera });
  patient = await Member.join(browser, server.url, { room, name: 'Ms. Li', role: 'patient', camera }, { microphone: '0' }, fakeScreen);
  interpreter = await Member.join(browser, server.url, { room, name: 'Iris', role: 'interpreter', camera }, { microphone: '0' });
  await doctor.seesVideos(2);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

const calm = (...members) => members.forEach((m) => assert.deepEqual(m.takeErrors(), [], m.name));
const person = (name) => `.person[data-participant="${name}"]`;
const idOf = (member) => member.evaluate(() => window.consilium.room.localParticipant.id);

test('speaker view: who speaks is large and asked for first; the grid comes back', async () => {
  await doctor.click('#room-view');
  await doctor.waitFor(() => document.getElementById('grid').dataset.mode === 'focus', 'in speaker view');
  for (const [speaker, name] of [[interpreter, 'Iris'], [patient, 'Ms. Li']]) {
    await speaker.evaluate(() => window.consilium.room.localParticipant.setMicrophoneEnabled(true));
    await doctor.waitFor((n) => document.querySelector('.tile[data-place="focus"] .name').textContent.includes(n), `showing ${name} large`, {}, name);
    await speaker.evaluate(() => window.consilium.room.localParticipant.setMicrophoneEnabled(false));
  }
  await doctor.screenshot('room-speaker-view');
  await doctor.click('#room-view');
  await doctor.waitFor(() => document.getElementById('grid').dataset.mode === 'grid', 'in the grid again');
  calm(doctor, patient, interpreter);
});

test('a pinned picture is large until it is let go; full screen ends with Escape', async () => {
  const tile = `.tile[data-participant="${await idOf(interpreter)}"]`;
  await doctor.page.hover(tile);
  await doctor.choose(`${tile} .tile-menu`, 'pin');
  await doctor.waitFor((t) => document.querySelector(t).dataset.place === 'focus', 'pinned', {}, tile);
  await doctor.choose(`${tile} .tile-menu`, 'full-screen');
  await doctor.waitFor((t) => document.fullscreenElement === document.querySelector(t), 'full screen', {}, tile);
  await doctor.evaluate(() => document.exitFullscreen());
  await doctor.choose(`${tile} .tile-menu`, 'pin');
  await doctor.waitFor(() => document.getElementById('grid').dataset.mode === 'grid', 'in the grid');
  calm(doctor);
});

test('people: role, microphone, hand and connection in words', async () => {
  await doctor.click('#room-people');
  const row = person(await idOf(patient));
  const words = () => doctor.evaluate((r) => document.querySelector(r).querySelector('.person-words').innerText, row);
  const signs = () => doctor.evaluate((r) => [...document.querySelector(r).querySelectorAll('.sign')].map((s) => s.getAttribute('aria-label')), row);
  assert.match(await words(), /Ms\. Li\s+Patient/);
  assert.ok((await signs()).includes('Microphone off'));
  await patient.click('#control-hand');
  await patient.click('#control-microphone');
  await doctor.waitFor((r) => document.querySelector(`${r} .sign.hand`) && document.querySelector(`${r} .sign.microphone`), 'hand and microphone', {}, row);
  await doctor.click('#people-mute-all');
  await patient.waitFor(() => !window.consilium.room.localParticipant.isEnabled('microphone'), 'muted with all');
  await doctor.waitFor(() => document.getElementById('people-mute-all').hidden, 'nobody left to mute');
  await doctor.waitFor((r) => /(Very good|Good|Fair|Weak) connection/.test(document.querySelector(r).textContent), 'the quality as the server judges it', {}, row);
  await doctor.evaluate((id) => {
    // As if the server had said so: a link that is bad on purpose is tested elsewhere.
    window.consilium.room._event('quality', { participant: id, quality: { uplink: 'poor', downlink: 'good', cause: 'uplink' } });
  }, await idOf(patient));
  await doctor.waitFor((r) => document.querySelector(r).textContent.includes('Weak connection: the network cannot send enough'), 'quality in words', {}, row);
  assert.ok((await signs()).some((s) => s.startsWith('Weak connection')));
  assert.ok(await doctor.evaluate((id) => document.querySelector(`.tile[data-participant="${id}"] .badge.signal-poor`) !== null, await idOf(patient)), 'on the picture too');
  await doctor.screenshot('room-people');
  await doctor.page.keyboard.press('Escape');
  await doctor.waitFor(() => document.getElementById('people').hidden && document.activeElement.id === 'room-people', 'closed, the focus back');
  calm(doctor, patient);
});

test('single keys work, not in a field, and can be turned off', async () => {
  const { keyboard } = doctor.page;
  await doctor.page.bringToFront();
  await keyboard.press('m');
  await doctor.waitFor(() => !window.consilium.room.localParticipant.isEnabled('microphone'), 'muted by M');
  await keyboard.press('v');
  await doctor.waitFor(() => !window.consilium.room.localParticipant.isEnabled('camera') && !document.querySelector('[aria-busy="true"]'), 'camera off by V');
  await keyboard.press('v');
  await doctor.waitFor(() => window.consilium.room.localParticipant.isEnabled('camera'), 'camera on by V');
  await keyboard.press('c');
  await doctor.waitFor(() => document.activeElement.id === 'chat-text', 'chat by C');
  await keyboard.type('mmm?');
  assert.equal(await doctor.evaluate(() => document.getElementById('chat-text').value), 'mmm?');
  assert.equal(await doctor.evaluate(() => document.querySelector('dialog')), null);
  await doctor.evaluate(() => (document.getElementById('chat-text').value = ''));
  await keyboard.press('Escape');
  await keyboard.press('?');
  await doctor.waitFor(() => document.querySelectorAll('dialog[open] kbd').length >= 9, 'the list under ?');
  await doctor.screenshot('room-shortcuts');
  await doctor.click('dialog [name="shortcuts"]');
  await keyboard.press('Escape');
  await doctor.waitFor(() => !document.querySelector('dialog'), 'closed');
  await keyboard.press('m');
  await keyboard.press('?'); // handled after the m, and still there
  await doctor.waitFor(() => document.querySelector('dialog[open]'), 'the list again');
  assert.equal(await doctor.evaluate(() => window.consilium.room.localParticipant.isEnabled('microphone')), false, 'M did nothing');
  await doctor.click('dialog [name="shortcuts"]');
  await doctor.click('dialog [data-action="close-dialog"]');
  await keyboard.press('m');
  await doctor.waitFor(() => window.consilium.room.localParticipant.isEnabled('microphone'), 'M again');
  calm(doctor);
});

test('another camera, chosen or the next one: without negotiation, and the picture goes on', async () => {
  const device = () => patient.evaluate(() => window.consilium.room.localParticipant.publication('camera').track.mediaStreamTrack.getSettings().deviceId);
  await patient.evaluate(() => {
    window.offers = 0;
    const real = RTCPeerConnection.prototype.createOffer;
    RTCPeerConnection.prototype.createOffer = function (...rest) {
      window.offers++;
      return real.apply(this, rest);
    };
  });
  const first = await device();
  const own = '.tile.own .tile-menu';
  await patient.page.hover('.tile.own');
  await patient.choose(own, 'swap');
  await patient.waitFor((id) => window.consilium.room.localParticipant.publication('camera').track.mediaStreamTrack.getSettings().deviceId !== id, 'the other camera', {}, first);
  await patient.choose(own, 'devices');
  await patient.page.waitForSelector('dialog [name="videoinput"]');
  await patient.page.select('dialog [name="videoinput"]', first);
  await patient.waitFor((id) => window.consilium.room.localParticipant.publication('camera').track.mediaStreamTrack.getSettings().deviceId === id, 'the first camera', {}, first);
  await patient.click('dialog [data-action="close-dialog"]');
  const id = await idOf(patient);
  await doctor.evaluate((p) => {
    window.after = 0;
    const video = document.querySelector(`video[data-participant="${p}"][data-source="camera"]`);
    const next = () => {
      window.after++;
      video.requestVideoFrameCallback(next);
    };
    video.requestVideoFrameCallback(next);
  }, id);
  await doctor.page.bringToFront();
  await doctor.waitFor(() => window.after >= 10, 'pictures of the camera');
  assert.equal(await patient.evaluate(() => window.offers), 0, 'no negotiation');
  calm(doctor, patient);
});

test('a guest link from the dialog; the guest waits, is seen to wait, and is let in', async () => {
  await doctor.choose('#room-menu', 'invite');
  await doctor.type('dialog [name="guest"]', '<b>Maria</b>');
  await doctor.click('dialog .guest [type="submit"]');
  await doctor.waitFor(() => document.querySelector('dialog .guest .invite-row input'), 'a link');
  const link = await doctor.evaluate(() => document.querySelector('dialog .guest .invite-row input').value);
  await doctor.screenshot('room-invite');
  await doctor.page.keyboard.press('Escape');
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  const url = new URL(link);
  url.searchParams.set('autojoin', '1');
  url.searchParams.set('lang', 'en');
  await page.goto(url.href);
  await doctor.waitFor(() => document.getElementById('room-people').dataset.waiting === '1', 'told that somebody waits');
  assert.ok(await doctor.evaluate(() => [...document.querySelectorAll('.toast')].some((t) => t.textContent.includes('<b>Maria</b> is waiting'))));
  await doctor.click('#room-people');
  await doctor.waitFor(() => document.querySelector('#queue-list .person')?.textContent.includes('<b>Maria</b>'), 'listed');
  await doctor.screenshot('room-waiting');
  await doctor.click('#queue-list [data-action="admit"]');
  await doctor.waitFor(() => [...window.consilium.room.remoteParticipants.values()].some((p) => p.name === '<b>Maria</b>'), 'seeing the guest inside');
  await doctor.waitFor(() => document.getElementById('queue').hidden, 'nobody waits');
  const guest = await doctor.evaluate(() => [...window.consilium.room.remoteParticipants.values()].find((p) => p.name === '<b>Maria</b>').id);
  await doctor.choose(`${person(guest)} .icon-button`, 'send-back');
  await doctor.waitFor(() => document.querySelectorAll('#queue-list .person').length === 1, 'waiting again');
  await doctor.click('#queue-list [data-action="decline"]'); // asks first: a thumb may have missed
  await doctor.page.waitForSelector('dialog [name="words"]');
  await doctor.page.keyboard.press('Escape');
  await doctor.waitFor(() => !document.querySelector('dialog'), 'closed');
  assert.equal(await doctor.evaluate(() => window.consilium.room.waiting.length), 1, 'still waiting');
  await doctor.click('#queue-list [data-action="decline"]');
  await doctor.click('dialog [data-action="confirm"]');
  await doctor.waitFor(() => document.getElementById('queue').hidden, 'declined');
  await doctor.click('#people-close');
  await context.close();
  calm(doctor);
});

test('another language in the call, and it is remembered', async () => {
  await doctor.choose('#room-menu', 'devices');
  await doctor.page.waitForSelector('dialog [name="language"]');
  await doctor.page.select('dialog [name="language"]', 'zh-CN');
  await doctor.waitFor(() => document.documentElement.lang === 'zh-CN' && document.getElementById('control-leave').textContent === '离开', 'in Chinese');
  assert.ok(await doctor.evaluate(() => [...document.querySelectorAll('.tile .role')].some((r) => r.textContent === '患者') && document.getElementById('room-title').textContent.startsWith('会诊')));
  await doctor.screenshot('room-chinese');
  await doctor.choose('#room-menu', 'devices');
  await doctor.page.waitForSelector('dialog [name="language"]');
  await doctor.page.select('dialog [name="language"]', 'en');
  await doctor.waitFor(() => document.getElementById('control-leave').textContent === 'Leave', 'in English');
  assert.equal(await doctor.evaluate(() => localStorage.getItem('consilium.language')), 'en');
  calm(doctor);
});

test('on a phone: everything within reach of a thumb, panels over the pictures', async () => {
  const phone = await Member.join(browser, server.url, { room, name: 'Dr. Phone', camera }, {}, (page) => page.setViewport({ width: 320, height: 568, hasTouch: true, isMobile: true }));
  await phone.seesVideos(3);
  const buttons = await phone.evaluate(() => [...document.querySelectorAll('.bar button, .controls button')].filter((b) => b.checkVisibility()).map((b) => ({ id: b.id, ...b.getBoundingClientRect().toJSON() })));
  for (const { id, left, right, width, height } of buttons) assert.ok(left >= 0 && right <= 320 && width >= 44 && height >= 44, `${id}: ${left} to ${right}, ${width} × ${height}`);
  for (const [one, two] of buttons.slice(1).map((b, i) => [buttons[i], b])) assert.ok(one.top !== two.top || one.right <= two.left + 1, `${one.id} over ${two.id}`);
  await phone.screenshot('room-phone');
  await phone.page.tap('#room-people');
  await phone.waitFor(() => document.querySelectorAll('#people-list .person').length === 4, 'four people');
  await phone.screenshot('room-phone-people');
  assert.ok(await phone.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing sideways');
  await phone.page.tap('#people-close');
  await phone.page.tap('#control-leave');
  await phone.waitFor(() => !document.getElementById('ended').hidden, 'left');
  calm(phone);
  await phone.close();
});
