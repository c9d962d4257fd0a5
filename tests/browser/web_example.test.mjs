// tests/browser/web_example.test.mjs: the quick-start example works as it stands, and is as short as it claims to be.

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

test('the example has fewer than 60 lines', () => {
  const text = fs.readFileSync(new URL('../../server/web/examples/quick_start.js', import.meta.url), 'utf8');
  assert.ok(text.split('\n').length < 60);
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
