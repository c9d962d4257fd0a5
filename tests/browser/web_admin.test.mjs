// tests/browser/web_admin.test.mjs: the admin page: the token, live figures, removing and closing, hostile names as text.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, test } from 'node:test';
import { launch, Member } from './lib/browsers.mjs';
import { Server } from './lib/server.mjs';

const HOSTILE = `"><img src=x onerror="window.hacked=1"><script>window.hacked=1</script>{{7*7}}\${7*7}`;
const room = 'admin-room';

let server;
let browser;
/** @type {Member} */ let doctor;
/** @type {Member} */ let patient;
/** @type {import('puppeteer-core').Page} */ let page;
const errors = [];

before(async () => {
  fs.mkdirSync(new URL('artefacts/', import.meta.url), { recursive: true });
  server = await Server.start();
  browser = await launch('chromium', { viewport: { width: 640, height: 480 } });
  doctor = await Member.join(browser, server.url, { room, name: 'Dr. Lee' }, { topology: 'never' });
  patient = await Member.join(browser, server.url, { room, name: HOSTILE, role: 'patient' }, { topology: 'never' });
  await Promise.all([doctor.seesVideos(1), patient.seesVideos(1)]);
  page = await (await browser.createBrowserContext()).newPage();
  await page.setViewport({ width: 1280, height: 900 });
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (m) => ['error', 'warn'].includes(m.type()) && errors.push(m.text()));
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

const waitFor = (predicate, ...args) => page.waitForFunction(predicate, { timeout: 20_000, polling: 50 }, ...args);
const cells = (name, table) =>
  page.evaluate((n, t) => {
    const person = [...document.querySelectorAll('.admin-person')].find((p) => p.querySelector('h3').textContent === n);
    return [...person.querySelectorAll(`table.${t} tbody tr`)].map((row) => [...row.children].map((c) => c.textContent));
  }, name, table);

test('without a token it asks; a wrong one is refused in words', async () => {
  await page.goto(`${server.url}/admin/?lang=en`);
  await page.waitForSelector('#login-token', { visible: true });
  await page.type('#login-token', 'wrong');
  await page.keyboard.press('Enter');
  await waitFor(() => document.getElementById('login-error').textContent === 'The server does not accept this token.');
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  assert.deepEqual(errors.splice(0).filter((e) => !e.includes('401')), []);
});

test('the link with the token opens it, and the token leaves the address bar', async () => {
  await page.goto('about:blank');
  await page.goto(server.adminUrl.replace('/admin/', '/admin/?lang=en'));
  await waitFor(() => document.querySelectorAll('.admin-person').length === 2);
  assert.ok(!page.url().includes('token'));
  assert.ok(!(await page.evaluate(() => document.documentElement.outerHTML)).includes(server.adminToken));
  assert.equal(await page.evaluate(() => localStorage.length), 0);
  await page.reload(); // this tab may
  await waitFor(() => document.querySelectorAll('.admin-person').length === 2);
});

test('what is sent and received is shown and moves', async () => {
  await waitFor(() => document.querySelectorAll('table.receives tbody tr').length >= 4 && document.querySelectorAll('table.sends tbody tr').length >= 4);
  const sends = await cells('Dr. Lee', 'sends');
  assert.ok(sends.some(([source, , codec]) => source === 'Microphone' && codec === 'opus'), JSON.stringify(sends));
  assert.ok(sends.some(([source, layer, codec, , , picture]) => source === 'Camera' && layer === 'q' && /VP8|H264/.test(codec) && /^\d+ × \d+, \d+ fps$/.test(picture)), JSON.stringify(sends));
  const receives = await cells('Dr. Lee', 'receives');
  assert.ok(receives.some(([from, source, , bitrate, loss, rtt]) => from === HOSTILE && source === 'Camera' && /^[\d,.]+ kbit\/s$/.test(bitrate) && /%$/.test(loss) && /ms$/.test(rtt)), JSON.stringify(receives));
  // Elements stay through refreshes: a button that has the focus keeps it.
  await page.focus('[data-action="remove"]');
  const before = await page.evaluate(() => document.getElementById('admin-state').textContent);
  await waitFor((words) => document.getElementById('admin-state').textContent !== words, before);
  assert.equal(await page.evaluate(() => document.activeElement.dataset.action), 'remove');
});

test('hostile names are text', async () => {
  const names = await page.evaluate(() => [...document.querySelectorAll('.admin-person h3')].map((h) => h.textContent));
  assert.deepEqual(names.sort(), [HOSTILE, 'Dr. Lee'].sort());
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  assert.equal(await page.evaluate(() => document.querySelectorAll('#admin img, #admin script').length), 0);
});

test('the pages’ policy forbids what is inline or foreign', async () => {
  const response = await fetch(new URL('/admin/', server.url));
  assert.match(response.headers.get('content-security-policy') ?? '', /default-src 'self'/);
  assert.ok(!/unsafe-inline|unsafe-eval/.test(response.headers.get('content-security-policy') ?? ''));
  await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'window.inlineRan = 1';
    document.body.append(script);
  });
  assert.equal(await page.evaluate(() => window.inlineRan), undefined);
  errors.splice(0);
});

test('the workers’ load is shown, and the room’s topology', async () => {
  await waitFor(() => /^\d+\s?%$/.test(document.querySelector('table.workers tbody tr')?.children[2].textContent ?? ''));
  const [worker, state, , rooms, people] = await page.evaluate(() => [...document.querySelector('table.workers tbody tr').children].map((c) => c.textContent));
  assert.deepEqual([worker, state, rooms, people], ['0', 'running', '1', '2']);
  await waitFor(() => Number.parseFloat(document.querySelector('table.workers tbody tr').children[5].textContent) > 0);
  assert.match(await page.evaluate(() => document.querySelector('.topologies').textContent), /^Topology since this page was opened: /);
});

test('plots are drawn from what the server says, and move; hostile names are text in them too', async () => {
  await page.evaluate(() => [...document.querySelectorAll('.plots')].forEach((p) => (p.open = true)));
  await waitFor(() => document.querySelectorAll('.plots .plot').length >= 8 || document.querySelector('.plots .lead'));
  if (!(await page.evaluate(() => document.querySelector('.plots .plot')))) {
    assert.match(await page.evaluate(() => document.querySelector('.plots .lead').textContent), /built without uPlot/); // as the page should say
    return;
  }
  assert.deepEqual(await page.evaluate(() => [...document.querySelector('.plots').querySelectorAll('.plot')].map((p) => p.dataset.measure)), ['bitrate', 'loss', 'rtt', 'layer']);
  const inked = () => page.evaluate(() => document.querySelector('.plot[data-measure="bitrate"] canvas').toDataURL());
  const before = await inked();
  const blank = await page.evaluate(() => {
    const { width, height } = document.querySelector('.plot[data-measure="bitrate"] canvas');
    return Object.assign(document.createElement('canvas'), { width, height }).toDataURL();
  });
  assert.notEqual(before, blank, 'something is drawn');
  await waitFor(() => document.querySelectorAll('.plot[data-measure="layer"] .plot-legend li').length >= 1);
  assert.ok(await page.evaluate((name) => [...document.querySelectorAll('.plot-legend li')].some((li) => li.textContent.includes(name)), HOSTILE));
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  const words = await page.evaluate(() => document.getElementById('admin-state').textContent);
  await waitFor((w) => document.getElementById('admin-state').textContent !== w, words);
  assert.notEqual(await inked(), before, 'a second later it is another picture');
  await page.screenshot({ path: new URL('artefacts/admin-plots.png', import.meta.url).pathname, fullPage: true });
  assert.deepEqual(errors, []);
});

test('a server without the plots’ library says so', async () => {
  const plain = await (await browser.createBrowserContext()).newPage();
  await plain.setRequestInterception(true);
  plain.on('request', (request) => (request.url().includes('/vendor/') ? request.respond({ status: 404 }) : request.continue()));
  await plain.goto(server.adminUrl.replace('/admin/', '/admin/?lang=en'));
  await plain.waitForSelector('.admin-person .plots', { visible: true });
  await plain.click('.admin-person .plots summary');
  await plain.waitForFunction(() => document.querySelector('.plots .lead')?.textContent.includes('built without uPlot'));
  await plain.browserContext().close();
});

test('removing asks first; who cancels removes nobody', async () => {
  const remove = `.admin-person[data-participant="${await patient.evaluate(() => window.consilium.room.localParticipant.id)}"] [data-action="remove"]`;
  await page.bringToFront();
  await page.click(remove);
  await page.waitForSelector('dialog[open]');
  assert.ok((await page.evaluate(() => document.querySelector('dialog h2').textContent)).includes(HOSTILE));
  await page.keyboard.press('Escape');
  await waitFor(() => !document.querySelector('dialog'));
  assert.equal((await server.room(room)).participants.length, 2);
  await page.click(remove);
  await page.click('dialog [data-action="confirm"]');
  await patient.waitFor(() => document.getElementById('ended').dataset.reason === 'kicked', 'removed');
  await waitFor(() => document.querySelectorAll('.admin-person').length === 1);
});

test('closing the room ends the call', async () => {
  await page.click('[data-action="close"]');
  await page.click('dialog [data-action="confirm"]');
  await doctor.waitFor(() => document.getElementById('ended').dataset.reason === 'closed', 'ended');
  await waitFor(() => document.querySelectorAll('.admin-room').length === 0 && !document.getElementById('admin-empty').hidden);
  assert.deepEqual(errors, []);
});

test('two who talk directly: what the topology was and is, in words; on a phone too', { timeout: 90_000 }, async () => {
  const two = [];
  for (const name of ['Ann', 'Ben']) two.push(await Member.join(browser, server.url, { room: 'direct-room', name, camera: { width: 320, height: 180, frameRate: 10 } }));
  await Promise.all(two.map((m) => m.waitFor(() => window.consilium.room.topology === 'p2p', 'direct')));
  await page.bringToFront();
  await waitFor(() => document.querySelector('.direct-note')?.checkVisibility() && /over the server → .* direct$/.test(document.querySelector('.topologies').textContent));
  await waitFor(() => /to direct 1/.test(document.querySelector('.admin-switches').textContent));
  await page.evaluate(() => (document.querySelector('.plots').open = true));
  await page.setViewport({ width: 320, height: 640 });
  await waitFor(() => document.querySelectorAll('.plots .plot canvas').length === 4 || document.querySelector('.plots .lead'));
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth), 'nothing sideways');
  await page.screenshot({ path: new URL('artefacts/admin-direct-phone.png', import.meta.url).pathname, fullPage: true });
  await page.setViewport({ width: 1280, height: 900 });
  await server.api('/api/v1/rooms/direct-room', { method: 'DELETE' });
  await waitFor(() => document.querySelectorAll('.admin-room').length === 0);
  assert.deepEqual(errors, []);
});

test('the token can be forgotten', async () => {
  await page.click('#admin-forget');
  await page.waitForSelector('#login-token', { visible: true });
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
});
