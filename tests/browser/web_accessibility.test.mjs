// tests/browser/web_accessibility.test.mjs: every page through axe-core in both browsers, light and dark; the keyboard alone;
// what a screen reader is told; no motion for who wants none; no sideways scrolling on a small phone.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { checkAccess as check } from './lib/access.mjs';
import { launch, Member } from './lib/browsers.mjs';
import { fakeScreen } from './lib/fakes.mjs';
import { Server } from './lib/server.mjs';

let server;
const browsers = {};

before(async () => {
  server = await Server.start();
});

after(async () => {
  await Promise.all(Object.values(browsers).map((b) => b.close()));
  await server?.stop();
});

/** What the room's menu opens. @param {Member} doctor */
async function checkDialogs(doctor, what) {
  for (const action of ['invite', 'devices', 'shortcuts']) {
    await doctor.choose('#room-menu', action);
    await doctor.page.waitForSelector('dialog[open]');
    await check(doctor.page, `${what}: ${action}`);
    await doctor.page.keyboard.press('Escape');
    await doctor.waitFor(() => !document.querySelector('dialog'), 'closed');
  }
}

/** Somebody waits; somebody is asked for a photo. @param {Member} doctor */
async function checkWaitingAndStill(browser, doctor, room, what, dress) {
  const link = await doctor.evaluate(() => window.consilium.room.createGuestLink({ role: 'patient', name: 'Guest' }));
  const guest = await (await browser.createBrowserContext()).newPage();
  const url = new URL(link.url);
  url.searchParams.set('autojoin', '1');
  await guest.goto(url.href);
  await doctor.waitFor(() => document.querySelector('#queue-list .person'), 'somebody waiting');
  await check(doctor.page, `${what}: the queue`);
  await guest.browserContext().close();
  const asked = await Member.join(browser, doctor.page.url().split('/?')[0], { room, name: 'Mr. Asked', role: 'patient' }, { microphone: '0' }, dress);
  await doctor.evaluate(() => document.querySelectorAll('.toast').forEach((t) => t.remove()));
  await doctor.waitFor(() => [...window.consilium.room.remoteParticipants.values()].some((p) => p.name === 'Mr. Asked' && p.publication('camera')), 'the camera');
  const id = await asked.evaluate(() => window.consilium.room.localParticipant.id);
  await doctor.choose(`.person[data-participant="${id}"] .icon-button`, 'still');
  await check(doctor.page, `${what}: photo asked for`);
  await asked.click('dialog [data-action="take"]');
  await asked.waitFor(() => document.querySelector('.still-dialog canvas'), 'the photo');
  await check(asked.page, `${what}: consent`);
  await asked.click('dialog [data-action="send"]');
  await doctor.waitFor(() => document.querySelector('.still-dialog canvas'), 'the photo');
  await check(doctor.page, `${what}: photo`);
  await doctor.click('dialog [data-action="close-dialog"]');
  await doctor.click('.still-card [data-action="forget"]');
  await asked.close();
  await doctor.waitFor(() => document.querySelectorAll('#people-list .person').length === 2, 'two people');
}

/** What a call passes through: a shared screen, three people, a lost connection, a locked room. @param {Member} doctor @param {Member} patient */
async function checkCall(browser, doctor, patient, room, what) {
  await patient.click('#control-screen');
  await doctor.waitFor(() => document.querySelector('.tile.screen video')?.videoWidth > 0, 'the screen');
  await check(doctor.page, `${what}: a shared screen`);
  await check(patient.page, `${what}: sharing a screen`);
  await patient.click('#control-screen');
  await doctor.waitFor(() => !document.querySelector('.tile.screen'), 'no screen');
  const third = await Member.join(browser, server.url, { room, name: 'Iris', role: 'interpreter' }, { camera: '0', microphone: '0' });
  await doctor.waitFor(() => document.querySelectorAll('.tile').length === 3, 'three tiles');
  await doctor.choose('#room-menu', 'lock');
  await doctor.waitFor(() => !document.getElementById('room-locked').hidden, 'locked');
  await check(doctor.page, `${what}: three, locked`);
  await doctor.click('#room-view');
  await doctor.waitFor(() => document.getElementById('grid').dataset.mode === 'focus', 'speaker view');
  await check(doctor.page, `${what}: speaker view`);
  await doctor.click('#room-view');
  await doctor.choose('#room-menu', 'lock');
  await third.evaluate(() => window.consilium.simulateSignalLoss(60_000));
  await third.waitFor(() => !document.getElementById('banner').hidden, 'told that the connection is lost');
  await check(third.page, `${what}: interrupted`);
  await third.click('#control-leave');
  await third.waitFor(() => !document.getElementById('ended').hidden, 'at the end');
  await check(third.page, `${what}: left`);
  await third.close();
  await doctor.evaluate(() => window.consilium.room.kick([...window.consilium.room.remoteParticipants.values()].find((p) => p.name === 'Iris')).catch(() => {}));
  await doctor.waitFor(() => document.querySelectorAll('.tile').length === 2, 'two tiles');
}

/** In Chromium each state in light and dark (lib/access.mjs); Firefox has what it was started with. */
async function checkAllPages(kind, scheme) {
  const prefs = { 'layout.css.prefers-color-scheme.content-override': scheme === 'dark' ? 0 : 1 };
  const browser = await launch(kind, { viewport: { width: 1000, height: 700 }, prefs });
  browsers[`${kind} ${scheme}`] = browser;
  const room = `access-${kind}-${scheme}`;
  const dress = fakeScreen;
  const page = await (await browser.createBrowserContext()).newPage();
  await page.goto(`${server.url}/?lang=en&role=patient`);
  await page.waitForSelector('#start-join', { visible: true });
  await check(page, `${kind} ${scheme}: start`);

  const doctor = await Member.join(browser, server.url, { room, name: 'Dr. Lee' }, {}, dress);
  await doctor.waitFor(() => document.querySelector('.invitation'), 'alone');
  await check(doctor.page, `${kind} ${scheme}: alone`);
  const patient = await Member.join(browser, server.url, { room, name: 'Ms. Li', role: 'patient' }, { camera: '0' }, dress);
  await doctor.waitFor(() => document.querySelectorAll('.tile').length === 2, 'two tiles');
  await patient.evaluate(() => window.consilium.room.sendChat('Hello'));
  await doctor.waitFor(() => document.querySelector('#toasts').textContent === 'Ms. Li: Hello', 'told of the message');
  await doctor.click('#control-chat');
  await doctor.waitFor(() => document.querySelector('.chat-item') && document.querySelector('#toasts').textContent === '', 'the message, in the chat alone');
  await doctor.evaluate(() => window.consilium.room.raiseHand(true));
  await check(doctor.page, `${kind} ${scheme}: room with chat`);
  await checkCall(browser, doctor, patient, room, `${kind} ${scheme}`);
  await doctor.click('#room-people'); // in place of the chat
  await doctor.waitFor(() => document.querySelectorAll('#people-list .person').length === 2, 'two people');
  await check(doctor.page, `${kind} ${scheme}: people`);
  await doctor.click('#control-pointer');
  await check(doctor.page, `${kind} ${scheme}: pointing, with a message`);
  await doctor.click('#control-pointer');
  await checkDialogs(doctor, `${kind} ${scheme}`);
  if (kind === 'chromium') await checkWaitingAndStill(browser, doctor, room, `${kind} ${scheme}`, dress);
  await doctor.click('#room-menu');
  await check(doctor.page, `${kind} ${scheme}: menu`);
  await doctor.click('.menu [data-action="end"]');
  await check(doctor.page, `${kind} ${scheme}: dialog`);

  await page.goto(server.adminUrl.replace('/admin/', '/admin/?lang=en'));
  await page.waitForSelector('.admin-person', { visible: true });
  await page.click('.plots summary');
  await page.waitForFunction(() => document.querySelector('.plots .plot, .plots .lead'));
  await check(page, `${kind} ${scheme}: admin`);
  await page.click('.admin-person [data-action="remove"]');
  await page.waitForSelector('dialog[open]');
  await check(page, `${kind} ${scheme}: admin asks`);
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => !document.querySelector('dialog'));
  await page.click('#admin-forget');
  await check(page, `${kind} ${scheme}: admin login`);

  await doctor.click('dialog [data-action="confirm"]');
  await patient.waitFor(() => !document.getElementById('ended').hidden, 'at the end');
  await check(patient.page, `${kind} ${scheme}: ended`);
  await Promise.all([doctor.close(), patient.close(), page.browserContext().close()]);
}

test('axe: Chromium, light and dark', { timeout: 300_000 }, () => checkAllPages('chromium', 'light'));
test('axe: Firefox, light', { timeout: 300_000 }, () => checkAllPages('firefox', 'light'));
test('axe: Firefox, dark', { timeout: 300_000 }, () => checkAllPages('firefox', 'dark'));

test('the keyboard alone joins, mutes, chats, locks and leaves', { timeout: 90_000 }, async () => {
  browsers.chromium ??= await launch('chromium');
  const page = await (await browsers.chromium.createBrowserContext()).newPage();
  await page.goto(`${server.url}/?lang=en&room=keys&name=Key`);
  await page.waitForSelector('#start-join', { visible: true });
  await page.bringToFront();
  const { keyboard } = page;
  const active = () => page.evaluate(() => document.activeElement.id || document.activeElement.dataset.action || document.activeElement.tagName);
  /** Presses Tab until the element has the focus. */
  const tabTo = async (id, key = 'Tab') => {
    for (let i = 0; i < 30; i++) {
      if ((await active()) === id) return;
      if (key === 'Tab') await keyboard.press('Tab');
      else await keyboard.press(key);
    }
    assert.fail(`${id} cannot be reached; the focus is on ${await active()}`);
  };
  await tabTo('start-join');
  await keyboard.press('Enter');
  await page.waitForFunction(() => window.consilium?.room?.localParticipant.isEnabled('microphone'));
  await tabTo('control-microphone');
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.notEqual(outline, 'none', 'the focus is seen');
  await keyboard.press('Space');
  await page.waitForFunction(() => !window.consilium.room.localParticipant.isEnabled('microphone'));
  assert.equal(await active(), 'control-microphone', 'the focus stays');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Unmute');
  await tabTo('control-chat');
  await keyboard.press('Enter');
  assert.equal(await active(), 'chat-text');
  await keyboard.type('by keyboard');
  await keyboard.press('Enter');
  await page.waitForFunction(() => document.querySelector('.chat-item.own'));
  await keyboard.press('Escape');
  assert.equal(await active(), 'control-chat', 'back where it came from');
  await tabTo('room-menu');
  await keyboard.press('Enter');
  await tabTo('lock', 'ArrowDown');
  await keyboard.press('Enter');
  await page.waitForFunction(() => window.consilium.room.locked && !document.getElementById('room-locked').hidden);
  assert.equal(await active(), 'room-menu');
  await tabTo('control-leave');
  await keyboard.press('Enter');
  await page.waitForFunction(() => !document.getElementById('ended').hidden);
  assert.equal(await active(), 'ended-title', 'what follows is read');
});

test('comings and goings, hands and locks are announced', { timeout: 60_000 }, async () => {
  browsers.chromium ??= await launch('chromium');
  const ann = await Member.join(browsers.chromium, server.url, { room: 'live', name: 'Ann' });
  assert.equal(await ann.evaluate(() => document.getElementById('announcer').getAttribute('aria-live')), 'polite');
  const bob = await Member.join(browsers.chromium, server.url, { room: 'live', name: 'Bob' });
  await ann.waitFor(() => document.getElementById('announcer').textContent === 'Bob joined', 'told of Bob');
  const hears = (words) => bob.waitFor((w) => document.getElementById('announcer').textContent === w, `told: ${words}`, {}, words);
  await ann.click('#control-hand');
  await bob.waitFor(() => document.getElementById('toasts').textContent === 'Ann raised a hand', 'told of the hand');
  await ann.choose('#room-menu', 'lock');
  await hears('The room is locked: nobody else can join');
  await ann.choose('#room-menu', 'lock');
  await hears('The room is open again');
  await bob.click('#control-leave');
  await ann.waitFor(() => document.getElementById('announcer').textContent === 'Bob left', 'told that Bob left');
  await Promise.all([ann.close(), bob.close()]);
});

test('small phones scroll nothing sideways, in either language; who wants no motion gets none', { timeout: 120_000 }, async () => {
  browsers.chromium ??= await launch('chromium');
  for (const lang of ['en', 'zh-CN']) {
    const page = await (await browsers.chromium.createBrowserContext()).newPage();
    await page.setViewport({ width: 320, height: 640 });
    await page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
    const fits = (what) => page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth).then((ok) => assert.ok(ok, `${lang}: ${what}`));
    await page.goto(`${server.url}/?lang=${lang}&room=small-${lang}&name=${encodeURIComponent('A very long name without an end')}`);
    await page.waitForSelector('#start-join', { visible: true });
    assert.equal(await page.evaluate(() => document.documentElement.lang), lang);
    await fits('start');
    await page.click('#start-join');
    await page.waitForFunction(() => window.consilium?.room?.mediaState === 'connected');
    await fits('room');
    const controls = await page.evaluate(() => [...document.querySelectorAll('.control')].filter((b) => b.checkVisibility()).map((b) => b.getBoundingClientRect().toJSON()));
    assert.ok(controls.length >= 4, `${lang}: ${controls.length} controls`); // what has no room is in the menu
    for (const { left, right, width, height } of controls) assert.ok(left >= 0 && right <= 320 && width >= 44 && height >= 44, `${lang}: control ${left} to ${right}`);
    assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector('.tile')).transitionDuration), '0s');
    await page.goto(server.adminUrl.replace('/admin/', `/admin/?lang=${lang}`));
    await page.waitForSelector('.admin-room', { visible: true });
    await fits('admin');
    await page.browserContext().close();
  }
});
