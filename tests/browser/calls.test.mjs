// tests/browser/calls.test.mjs: a doctor calls a patient: calling, being called on two pages, in the call; and every way in which
// nothing comes of it.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { checkAccess } from './lib/access.mjs';
import { launch } from './lib/browsers.mjs';
import { Server } from './lib/server.mjs';
import { PHONE, Visitor } from './lib/visitor.mjs';

const DOCTOR = { identity: 'doctor', name: 'Doctor', role: 'doctor' };
const PATIENT = { identity: 'patient', name: 'Patient', role: 'patient' };

let server;
let browser;
/** @type {Visitor} */ let doctor;
/** The patient's telephone and computer. @type {Visitor} */ let phone;
/** @type {Visitor} */ let desk;

before(async () => {
  server = await Server.start({ args: ['--set', 'calls.ring_seconds=4'] });
  browser = await launch('chromium');
  doctor = await Visitor.ready(browser, server, DOCTOR);
  phone = await Visitor.ready(browser, server, { ...PATIENT, viewport: PHONE, prepare: watchNotices });
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** The system's notifications, allowed, on a page that can say that nobody looks at it. @param {import('puppeteer-core').Page} page */
function watchNotices(page) {
  return page.evaluateOnNewDocument(() => {
    window.notices = [];
    window.lookedAt = true;
    Object.defineProperty(document, 'visibilityState', { get: () => (window.lookedAt ? 'visible' : 'hidden') });
    window.Notification = class {
      static permission = 'default';
      static requestPermission = async () => (window.Notification.permission = 'granted');
      constructor(title, { body, tag }) {
        this.words = [title, body];
        this.tag = tag;
        window.notices.push(this);
      }
      close() {
        this.closed = true;
      }
    };
  });
}

const call = () => doctor.click(`[data-call="${PATIENT.identity}"]`);

/** Everybody is where he began. */
async function atHome(...visitors) {
  for (const visitor of visitors) {
    await visitor.sees('home');
    await visitor.silent();
    assert.deepEqual(visitor.takeErrors(), [], visitor.name);
  }
}

test('nobody answers: both are told, and the call can be made again', { timeout: 40_000 }, async () => {
  await doctor.screenshot('calls-home');
  await checkAccess(doctor.page, 'ready for calls');
  await call();
  await doctor.sees('calling');
  await phone.rings();
  assert.equal(await phone.words('dialog.called h2'), 'Doctor is calling you');
  await phone.waitFor(() => document.title.startsWith('☎'), 'flashing');
  assert.equal(await phone.evaluate(() => window.notices.length), 0, 'who looks at the page needs no notification');
  await phone.screenshot('calls-called-phone');
  await doctor.waitFor(() => document.querySelector('.callee[data-state="ringing"]') && document.body.dataset.sound === 'calling', 'hearing it ring');
  await doctor.screenshot('calls-calling');
  await doctor.waitFor(() => document.querySelector('#calling[data-state="timed_out"]'), 'told that nobody answers');
  assert.equal(await doctor.words('#calling-title'), 'Patient did not answer');
  assert.equal(await doctor.evaluate(() => document.activeElement?.id), 'calling-title', 'what happened is read');
  await doctor.screenshot('calls-no-answer');
  await checkAccess(doctor.page, 'nobody answered');
  await phone.waitFor(() => /Missed call from Doctor/.test(document.getElementById('home-missed')?.textContent ?? ''), 'told of the missed call');
  await phone.screenshot('calls-missed-phone');
  await checkAccess(phone.page, 'a missed call');
  assert.equal(await phone.evaluate(() => document.title), 'Ready for calls – Consilium', 'the title is as before');
  // Asked for in words, allowed, and told of a call while looking elsewhere.
  await phone.click('#home-notify');
  await phone.waitFor(() => document.getElementById('home-notify').hidden && /announced by your system/.test(document.getElementById('toasts').textContent), 'allowed');
  await phone.evaluate(() => (window.lookedAt = false));
  await doctor.click('#calling-again');
  await phone.rings();
  assert.deepEqual(await phone.evaluate(() => window.notices.map((n) => n.words)), [['Doctor is calling you', 'Open the page to answer.']]);
  await doctor.click('#calling-cancel');
  await phone.waitFor(() => window.notices[0].closed, 'the notification taken back');
  await phone.evaluate(() => (window.lookedAt = true));
  await atHome(doctor, phone);
});

test('two pages of the patient ring; one answers, both see and hear each other, the other page is silent', { timeout: 60_000 }, async () => {
  desk = await Visitor.ready(browser, server, { ...PATIENT, name: 'Patient (desk)' });
  await call();
  await Promise.all([phone.rings(), desk.rings()]);
  await desk.click('dialog.called [data-action="accept-video"]');
  await phone.silent();
  await phone.waitFor(() => /another window/.test(document.getElementById('toasts')?.textContent ?? ''), 'told where it was answered');
  await Promise.all([doctor.inCall(), desk.inCall()]);
  await doctor.waitFor(() => [...document.querySelectorAll('#sounds audio')].some((a) => !a.paused && a.currentTime > 0), 'hearing the patient');
  await doctor.screenshot('calls-in-call');
  // Loaded anew, a page is in the call again, with its devices as they were; when nobody is left, it is ready for calls.
  await desk.click('#control-microphone');
  const [before] = await doctor.evaluate(() => [...window.consilium.room.remoteParticipants.keys()]);
  await desk.page.reload();
  await desk.inCall();
  await doctor.waitFor((old) => [...window.consilium.room.remoteParticipants.keys()].some((id) => id !== old) && window.consilium.room.remoteParticipants.size === 1, 'seeing her come back', {}, before);
  await doctor.seesVideos(1);
  assert.equal(await desk.evaluate(() => window.consilium.room.localParticipant.isEnabled('microphone')), false);
  await phone.silent();
  await desk.click('#control-leave');
  await doctor.waitFor(() => window.consilium.room.remoteParticipants.size === 0, 'alone');
  await doctor.page.reload();
  await doctor.sees('home');
  await doctor.waitFor(() => document.querySelector('#home-state[data-state="online"]') && /The call is over/.test(document.getElementById('toasts').textContent), 'told that nobody is left');
  await atHome(doctor, desk, phone);
  await desk.close();
});

test('the patient declines', { timeout: 30_000 }, async () => {
  await call();
  await phone.rings();
  await phone.click('dialog.called [data-action="decline"]');
  await doctor.waitFor(() => document.querySelector('#calling[data-state="declined"]'), 'told');
  assert.equal(await doctor.words('#calling-title'), 'Patient declined the call');
  await phone.silent();
  await doctor.click('#calling-back');
  await atHome(doctor, phone);
  // And says why, with a tap.
  await call();
  await phone.rings();
  await phone.page.tap('dialog.called summary');
  await phone.screenshot('calls-excuses-phone');
  await checkAccess(phone.page, 'declining with a message');
  await phone.page.tap('dialog.called [data-action="decline-later"]');
  await doctor.waitFor(() => document.getElementById('calling-reason').textContent === '“I will call back later”', 'told why');
  await doctor.screenshot('calls-declined-why');
  await doctor.click('#calling-back');
  await atHome(doctor, phone);
});

test('the doctor ends the call for everyone: both can be called again; another language needs no new link', { timeout: 60_000 }, async () => {
  await call();
  await phone.rings();
  await phone.click('dialog.called [data-action="accept-audio"]');
  await Promise.all([doctor.sees('room'), phone.inCall()]);
  await doctor.choose('#room-menu', 'end');
  await doctor.click('dialog [data-action="confirm"]');
  await atHome(doctor, phone);
  await phone.waitFor(() => /ended the call for everyone/.test(document.getElementById('toasts').textContent), 'told');
  await phone.screenshot('calls-ended-for-all-phone');
  await phone.page.select('#home .languages', 'zh-CN');
  await phone.waitFor(() => document.documentElement.lang === 'zh-CN' && document.getElementById('home-lead').textContent.startsWith('您是'), 'in Chinese');
  assert.match(await phone.words('#home-missed li'), /未接来电：/, 'also what was written before');
  await phone.screenshot('calls-home-chinese-phone');
  await call();
  await phone.rings();
  assert.equal(await phone.words('dialog.called [data-action="decline"]'), '拒绝');
  await phone.click('dialog.called [data-action="decline"]');
  await doctor.click('#calling-back');
  await phone.page.select('#home .languages', 'en');
  await phone.waitFor(() => document.getElementById('home-title').textContent === 'Ready for calls', 'in English');
  await atHome(doctor, phone);
});

test('the patient answers without camera; who calls meanwhile finds both busy', { timeout: 60_000 }, async () => {
  await call();
  await phone.rings();
  await phone.click('dialog.called [data-action="accept-audio"]');
  await Promise.all([doctor.sees('room'), phone.inCall()]);
  await doctor.waitFor(() => [...window.consilium.room.remoteParticipants.values()][0]?.publication('microphone'), 'hearing the patient');
  assert.equal(await phone.evaluate(() => window.consilium.room.localParticipant.isEnabled('camera')), false);
  const novak = await Visitor.ready(browser, server, { identity: 'second-doctor', name: 'Second doctor', role: 'doctor' });
  await novak.click(`[data-call="${PATIENT.identity}"]`);
  await novak.waitFor(() => document.querySelector('#calling[data-state="busy"]'), 'told that she is busy');
  assert.equal(await novak.words('#calling-title'), 'Patient is in another call');
  await novak.click('#calling-back');
  // During the call the doctor brings the third one in.
  await doctor.evaluate(() => window.consilium.calls.invite({ identities: ['second-doctor'] }));
  await novak.rings();
  await novak.click('dialog.called [data-action="accept-video"]');
  await Promise.all([novak.sees('room'), doctor.inCall(1), phone.seesVideos(2)]);
  assert.equal(await doctor.evaluate(() => window.consilium.room.remoteParticipants.size), 2);
  for (const member of [novak, phone, doctor]) await member.click('#control-leave');
  await atHome(novak, phone, doctor);
  await novak.close();
});
