// tests/browser/web_example.test.mjs: the examples work as they stand, and are as short as they claim to be.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { checkAccess } from './lib/access.mjs';
import { launch, Member } from './lib/browsers.mjs';
import { Server } from './lib/server.mjs';

const SECRET = 'a secret of this test alone, long enough for HS256';

let server;
let browser;

before(async () => {
  server = await Server.start({ args: ['--set', `tokens.secret=${SECRET}`] });
  browser = await launch('chromium', { viewport: { width: 640, height: 480 } });
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test('the examples have fewer than 60 lines', () => {
  const lines = (file) => fs.readFileSync(new URL(`../../server/web/examples/${file}`, import.meta.url), 'utf8').split('\n').length;
  assert.ok(lines('quick_start.js') < 60);
  assert.ok(lines('call.html') + lines('call.js') < 60, 'HTML and JavaScript together');
});

test('two of them see and hear each other; one leaves', { timeout: 90_000 }, async () => {
  /** @type {Member[]} */ const members = [];
  for (const name of ['first', 'second']) {
    const context = await browser.createBrowserContext();
    const member = new Member(await context.newPage(), name, context);
    await member.page.goto(`${server.url}/examples/`);
    await member.click('#join');
    await member.waitFor(() => window.consilium?.room, 'joined');
    members.push(member);
  }
  const [first, second] = members;
  for (const member of members) {
    await member.waitFor(() => [...document.querySelectorAll('#videos video')].filter((v) => v.videoWidth > 0).length === 2, 'seeing both', { timeout: 40_000 });
    await member.waitFor(() => [...document.querySelectorAll('#videos audio')].some((a) => !a.paused && a.currentTime > 0), 'hearing the other');
  }
  await second.click('#leave');
  await first.waitFor(() => document.querySelectorAll('#videos video').length === 1, 'alone again');
  await second.waitFor(() => document.getElementById('words').textContent === 'The call is over: left', 'told of the end');
  for (const member of members) assert.deepEqual(member.takeErrors(), [], member.name);
});

test('who listens from the join on is told of every track that was there, however long the negotiation took', { timeout: 60_000 }, async () => {
  const publisher = await Member.join(browser, server.url, { room: 'told', name: 'Publisher', camera: { width: 320, height: 180, frameRate: 10 } });
  const context = await browser.createBrowserContext();
  const listener = new Member(await context.newPage(), 'listener', context);
  await listener.page.goto(`${server.url}/examples/`);
  const told = await listener.evaluate(async () => {
    const real = RTCPeerConnection.prototype.setRemoteDescription;
    RTCPeerConnection.prototype.setRemoteDescription = async function (description) {
      await real.call(this, description);
      await new Promise((resolve) => setTimeout(resolve, 500)); // the slots are assigned meanwhile
    };
    const { createClient } = await import('/sdk/consilium.js');
    const token = (await (await fetch('/dev/token?room=told&role=patient&name=Listener')).json()).token;
    const room = await createClient({ token }).join({ topology: 'never' });
    const sources = new Set();
    await new Promise((resolve) => room.on('trackSubscribed', (track) => (sources.add(track.source), sources.size === 2 && resolve(undefined))));
    return [...sources].sort();
  });
  assert.deepEqual(told, ['camera', 'microphone']);
  await publisher.close();
  await listener.close();
});

test('one calls, the other answers, they see each other, one hangs up; a call that is not answered is taken back', { timeout: 90_000 }, async () => {
  const open = async (name, role) => {
    const context = await browser.createBrowserContext();
    const member = new Member(await context.newPage(), name, context);
    await member.page.goto(`${server.url}/examples/call.html?me=${name}&role=${role}`);
    await says(member, `Ready, ${name}.`);
    return member;
  };
  const says = (member, words) => member.waitFor((w) => document.getElementById('words').textContent === w, `told: ${words}`, {}, words);
  const [ann, ben] = [await open('ann', 'doctor'), await open('ben', 'patient')];
  await ann.click('#call');
  await says(ben, 'ann calls');
  await ann.click('#end');
  await says(ben, 'No call: cancelled');
  await says(ann, 'No call: cancelled');
  await ann.click('#call');
  await ben.click('#answer');
  for (const member of [ann, ben]) {
    await member.waitFor(() => [...document.querySelectorAll('#videos video')].some((v) => v.videoWidth > 0), 'seeing the other', { timeout: 40_000 });
  }
  await ben.click('#end');
  await says(ann, 'The call is over.');
  for (const member of [ann, ben]) {
    assert.deepEqual(member.takeErrors(), [], member.name);
    await member.close();
  }
});

test('the guide is readable on a desktop and a phone, light and dark', { timeout: 60_000 }, async () => {
  for (const [scheme, width] of [['light', 1200], ['dark', 1200], ['light', 320], ['dark', 390]]) {
    const context = await browser.createBrowserContext();
    const page = new Member(await context.newPage(), 'reader', context);
    await page.page.setViewport({ width, height: 800 });
    await page.page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
    await page.page.goto(`${server.url}/examples/guide.html`);
    await page.screenshot(`guide-${width}-${scheme}`);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `sideways at ${width}`);
    await checkAccess(page.page, `guide ${scheme} ${width}`);
    assert.deepEqual(page.takeErrors(), []);
    await page.close();
  }
});

test('the package that the server serves is installed by its address, with types; the guide’s token opens a room', { timeout: 60_000 }, async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'consilium-app-'));
  try {
    fs.writeFileSync(path.join(folder, 'package.json'), '{"type":"module"}');
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', new URL('/sdk/consilium-client.tgz', server.url).href], { cwd: folder, stdio: 'pipe' });
    fs.writeFileSync(path.join(folder, 'app.ts'), "import { createClient, VERSION, type Room } from 'consilium-client';\nexport const room: Promise<Room> = createClient({ token: VERSION }).join({ name: 'Ann' });\n");
    const tsc = new URL('node_modules/typescript/bin/tsc', import.meta.url).pathname;
    execFileSync(process.execPath, [tsc, '--noEmit', '--strict', '--target', 'es2023', '--module', 'es2022', '--moduleResolution', 'bundler', '--lib', 'es2023,dom,dom.iterable', 'app.ts'], { cwd: folder, stdio: 'pipe' });
    const guide = await (await fetch(`${server.url}/examples/guide.html`)).text();
    const source = /<pre[^>]* data-test="mint">([^<]*)</.exec(guide)[1].replaceAll('&gt;', '>').replaceAll('&#x27;', "'").replaceAll('&amp;', '&');
    fs.writeFileSync(path.join(folder, 'mint.mjs'), source.slice(0, source.lastIndexOf('\nmint(')));
    const { mint } = await import(path.join(folder, 'mint.mjs'));
    const context = await browser.createBrowserContext();
    const page = new Member(await context.newPage(), 'Dr. Lee', context);
    await page.page.goto(`${server.url}/?lang=en&autojoin=1&camera=0#token=${mint({ room: 'visit-1', identity: 'dr-lee', name: 'Dr. Lee', role: 'doctor' }, SECRET)}`);
    await page.waitFor(() => window.consilium?.room?.localParticipant.name === 'Dr. Lee', 'joined');
    await page.close();
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});
