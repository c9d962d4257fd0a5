// tests/browser/web_names.test.mjs: two hundred hostile names, on the pictures, in the list of people, in messages and at the
// admin's: each is text, whole where there is room, and moves nothing.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, Member } from './lib/browsers.mjs';
import { Server } from './lib/server.mjs';

const MARKUP = [
  '<script>window.hacked=1</script>', '<img src=x onerror="window.hacked=1">', '"><svg onload="window.hacked=1">', "'-window.hacked=1-'", '<iframe srcdoc="<script>parent.hacked=1</script>">',
  '<a href="javascript:window.hacked=1">x</a>', '</span></div></article><h1>big</h1>', '<style>*{display:none}</style>', '{{constructor.constructor("window.hacked=1")()}}', '${window.hacked=1}',
  '<math><mtext><img src onerror=window.hacked=1>', '<body onpageshow=window.hacked=1>', '<base href="//evil.example">', '&lt;b&gt;&amp;#60;', '<!--', ']]>', '<?php', '%3Cscript%3E', '\\u003cscript\\u003e', '<object data="data:text/html,x">',
];
const TRICKS = [
  (m) => m, (m) => `${m}\u202e${m}`, (m) => `\u2066${m}`, (m) => `a\u0300${'\u0301'.repeat(40)}${m}`, (m) => `${m}${'\u200b'.repeat(20)}`,
  (m) => `${'长'.repeat(40)}${m}`, (m) => `${'W'.repeat(60)}${m}`, (m) => `👩🏽‍⚕️ ${m}`, (m) => `${m}\ufeff`, (m) => `العربية ${m}`,
];
const NAMES = MARKUP.flatMap((m) => TRICKS.map((t) => t(m)));

let server;
let browser;
/** @type {Member} */ let doctor;
/** @type {Member} */ let patient;

before(async () => {
  server = await Server.start();
  browser = await launch('chromium', { viewport: { width: 360, height: 640 } });
  doctor = await Member.join(browser, server.url, { room: 'names', name: 'Dr. Lee' }, { camera: '0', microphone: '0' });
  patient = await Member.join(browser, server.url, { room: 'names', name: 'Ms. Li', role: 'patient' }, { camera: '0', microphone: '0' });
  await doctor.waitFor(() => window.consilium.room.remoteParticipants.size === 1, 'two');
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

const COUNTS = () => ({ elements: document.querySelectorAll('#grid *, #people *').length, foreign: document.querySelectorAll('img:not([src="/icon.svg"]), iframe, object, base, math, style, script:not([src])').length });

test('two hundred names, as if a server let them through', async () => {
  assert.equal(new Set(NAMES).size, 200);
  await doctor.click('#room-people');
  await doctor.waitFor(() => document.querySelectorAll('#people-list .person').length === 2, 'two people');
  const before = await doctor.evaluate(COUNTS);
  const bad = await doctor.evaluate((names) => {
    const { room } = window.consilium;
    const [other] = room.remoteParticipants.values();
    const info = { participant: other.id, identity: other.identity, role: other.role, joinedAt: other.joinedAt, handRaised: false, connected: true, tracks: [] };
    const wrong = [];
    for (const name of names) {
      room._event('participantUpdated', { participant: { ...info, name } });
      room._event('waitingAdded', { waiting: 'w_1', identity: 'x', name, role: 'patient', since: Date.now(), connected: true });
      const tile = document.querySelector(`.tile[data-participant="${other.id}"]`);
      const row = document.querySelector(`.person[data-participant="${other.id}"]`);
      const shown = [tile.querySelector('.name .long').textContent, row.querySelector('.person-name').textContent, document.querySelector('#queue-list .person-name').textContent];
      if (shown.some((s) => s !== name)) wrong.push(name);
      if (tile.getAttribute('aria-label').indexOf(name) !== 0) wrong.push(`label: ${name}`);
      if (document.documentElement.scrollWidth > innerWidth) wrong.push(`sideways: ${name}`);
      room._event('waitingRemoved', { waiting: 'w_1', reason: 'left' });
    }
    room._event('participantUpdated', { participant: { ...info, name: 'Ms. Li' } });
    return wrong;
  }, NAMES);
  assert.deepEqual(bad, []);
  await doctor.evaluate(() => document.querySelectorAll('.toast').forEach((t) => t.remove()));
  const { elements, foreign } = await doctor.evaluate(COUNTS);
  assert.equal(foreign, before.foreign, 'no element came of a name');
  assert.ok(Math.abs(elements - before.elements) < 20, `${before.elements} elements, then ${elements}`);
  assert.equal(await doctor.evaluate(() => window.hacked), undefined);
});

test('the server refuses them or passes them on as they are; pages and administrator read text', { timeout: 120_000 }, async () => {
  const page = await (await browser.createBrowserContext()).newPage();
  await page.goto(server.adminUrl.replace('/admin/', '/admin/?lang=en'));
  await page.waitForSelector('.admin-person', { visible: true });
  let accepted = 0;
  for (const name of NAMES.filter((_, i) => i % 10 === Math.floor(i / 10) % 10)) {
    const reply = await patient.evaluate((n) => window.consilium.room.setName(n).then(() => 'ok', (e) => e.code), name);
    if (reply !== 'ok') {
      assert.ok(['bad_request', 'too_large', 'rate_limited', 'bad_message'].includes(reply), `${reply}: ${name}`);
      continue;
    }
    accepted++;
    await doctor.waitFor((n) => [...window.consilium.room.remoteParticipants.values()][0].name === n, `told of ${name}`, {}, name);
    await page.waitForFunction((n) => [...document.querySelectorAll('.admin-person h3')].some((h) => h.textContent === n), { timeout: 10_000, polling: 50 }, name);
  }
  assert.ok(accepted > 0, 'some are only names');
  for (const p of [doctor.page, patient.page, page]) assert.equal(await p.evaluate(() => window.hacked), undefined);
  assert.deepEqual(doctor.takeErrors(), []);
});
