// tests/browser/web_example.test.mjs: the examples work as they stand, and are as short as they claim to be.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, test } from 'node:test';
import { launch, Member } from './lib/browsers.mjs';
import { Server } from './lib/server.mjs';

let server;
let browser;

before(async () => {
  server = await Server.start();
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
