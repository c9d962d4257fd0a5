// tests/browser/calls_firefox.test.mjs: the main paths with Firefox: its lobby and connection test, a call to and from Chromium, the
// waiting room; and axe-core in every page around the call, dark and in Chinese.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { checkAccess } from './lib/access.mjs';
import { launch } from './lib/browsers.mjs';
import { Server } from './lib/server.mjs';
import { PHONE, Visitor } from './lib/visitor.mjs';

const DOCTOR = { identity: 'doctor', name: 'Doctor', role: 'doctor' };
const PATIENT = { identity: 'patient', name: 'Patient', role: 'patient' };

let server;
let firefox;
let chromium;

before(async () => {
  server = await Server.start();
  [firefox, chromium] = await Promise.all([launch('firefox'), launch('chromium')]);
});

after(async () => {
  await Promise.all([firefox?.close(), chromium?.close()]);
  await server?.stop();
});

test('Firefox’s lobby: picture, connection test', { timeout: 90_000 }, async () => {
  const visitor = await Visitor.open(firefox, `${server.url}/?lang=en&room=fox&name=Fox`, { name: 'Fox' });
  await visitor.evaluate(() => document.querySelector('[data-action="open-devices"]')?.click());
  await visitor.waitFor(() => document.querySelector('.preview.has-picture video')?.videoWidth > 0, 'seeing himself');
  await visitor.click('[data-action="test-connection"]');
  await visitor.waitFor(() => document.querySelector('[data-verdict]'), 'tested', { timeout: 25_000 });
  assert.ok(['good', 'fair', 'poor'].includes(await visitor.evaluate(() => document.querySelector('[data-verdict]').dataset.verdict)));
  await visitor.screenshot('firefox-lobby');
  await checkAccess(visitor.page, 'Firefox: lobby');
  await visitor.close();
});

for (const [from, to] of [['firefox', 'chromium'], ['chromium', 'firefox']]) {
  test(`${from} calls ${to}, in both directions of light`, { timeout: 120_000 }, async () => {
    const browsers = { firefox, chromium };
    const doctor = await Visitor.ready(browsers[from], server, DOCTOR);
    const patient = await Visitor.ready(browsers[to], server, { ...PATIENT, viewport: PHONE, ...(to === 'chromium' && { scheme: 'dark' }) });
    await doctor.click(`[data-call="${PATIENT.identity}"]`);
    await patient.rings();
    await checkAccess(patient.page, `${to}: called`);
    await checkAccess(doctor.page, `${from}: calling`);
    await patient.screenshot(`${to}-called`);
    await patient.click('dialog.called [data-action="accept-video"]');
    await Promise.all([doctor.inCall(), patient.inCall()]);
    await patient.click('#control-leave');
    await doctor.click('#control-leave');
    await Promise.all([doctor.sees('home'), patient.sees('home')]);
    await Promise.all([doctor.close(), patient.close()]);
  });
}

test('Firefox waits, and is admitted', { timeout: 90_000 }, async () => {
  const doctor = await Visitor.open(chromium, `${server.url}/?lang=en&room=fox-waits&name=Doctor&autojoin=1&camera=0`, { name: 'Doctor' });
  await doctor.sees('room');
  const { url } = await doctor.evaluate(() => window.consilium.room.createGuestLink({ role: 'patient', name: 'Fox' }));
  const patient = await Visitor.open(firefox, url, { name: 'Fox', viewport: PHONE });
  await patient.click('#start-join');
  await patient.sees('waiting');
  await patient.waitFor(() => document.querySelector('#waiting.has-picture'), 'seeing himself');
  await checkAccess(patient.page, 'Firefox: waiting');
  await patient.screenshot('firefox-waiting');
  await doctor.waitFor(() => window.consilium.room.waiting.length === 1, 'told');
  await doctor.evaluate(() => window.consilium.room.admit(window.consilium.room.waiting[0].id));
  await patient.sees('room');
  await doctor.seesVideos(1);
  await Promise.all([doctor.close(), patient.close()]);
});

test('every page around the call, dark, in Chinese, at 320 px: nothing serious, nothing sideways', { timeout: 90_000 }, async () => {
  const small = { viewport: { width: 320, height: 640 }, scheme: 'dark' };
  const fits = async (visitor, what) => {
    assert.ok(await visitor.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth), `${what}: sideways`);
    await checkAccess(visitor.page, what);
    await visitor.screenshot(`small-${what}`);
  };
  const welcome = await Visitor.open(chromium, `${server.url}/?lang=zh-CN`, { name: 'welcome', ...small });
  await fits(welcome, 'welcome');
  await welcome.close();
  const lobby = await Visitor.open(chromium, `${server.url}/?lang=zh-CN&room=small&name=${encodeURIComponent('李医生')}`, { name: 'lobby', ...small });
  await fits(lobby, 'lobby');
  await lobby.close();
  const doctor = await Visitor.ready(chromium, server, { ...DOCTOR, lang: 'zh-CN', ...small });
  await fits(doctor, 'home');
  const patient = await Visitor.ready(chromium, server, { ...PATIENT, lang: 'zh-CN', ...small });
  await doctor.click(`[data-call="${PATIENT.identity}"]`);
  await patient.rings();
  await fits(patient, 'called');
  await doctor.sees('calling');
  await fits(doctor, 'calling');
  await patient.click('dialog.called [data-action="decline"]');
  await doctor.waitFor(() => document.querySelector('#calling[data-state="declined"]'), 'declined');
  await fits(doctor, 'declined');
  await Promise.all([doctor.close(), patient.close()]);
});
