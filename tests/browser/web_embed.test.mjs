// tests/browser/web_embed.test.mjs: the call page in a frame of a clinic's own page (server/web/README.md, "Embedding"): with camera,
// microphone and sound where the operator has named that page's origin; not at all elsewhere.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { launch, Member } from './lib/browsers.mjs';
import { Server } from './lib/server.mjs';

let server;
let browser;
/** The clinic's site, another origin. @type {http.Server} */ let clinic;
let origin;
let framed = '';

before(async () => {
  clinic = http.createServer((_, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(`<!doctype html><title>Clinic</title><iframe src="${framed}" width="800" height="500"
      allow="camera; microphone; display-capture; autoplay; fullscreen; picture-in-picture; speaker-selection"></iframe>`);
  });
  await once(clinic.listen(0, '127.0.0.1'), 'listening');
  origin = `http://127.0.0.1:${clinic.address().port}`;
  server = await Server.start({ args: ['--set', `http.frame_ancestors=${origin}`] });
  browser = await launch('chromium');
});

after(async () => {
  await browser?.close();
  await server?.stop();
  clinic?.close();
});

async function embed(path) {
  framed = `${server.url}${path}`;
  const context = await browser.createBrowserContext();
  const member = new Member(await context.newPage(), 'clinic', context);
  await member.page.goto(origin);
  const frame = member.page.frames()[1];
  assert.ok(frame, 'there is a frame');
  return { member, frame };
}

test('a patient in the clinic’s own page sees, hears and is seen', { timeout: 60_000 }, async () => {
  const doctor = await Member.join(browser, server.url, { room: 'embedded', name: 'Dr. Lee' });
  const { member, frame } = await embed('/?room=embedded&name=Maria&role=patient&autojoin=1&lang=en');
  await frame.waitForFunction(() => [...document.querySelectorAll('video[data-participant]')].some((v) => !v.dataset.own && v.videoWidth > 0), { timeout: 30_000, polling: 100 });
  await frame.waitForFunction(() => [...document.querySelectorAll('#sounds audio')].some((a) => !a.paused && a.currentTime > 0), { timeout: 10_000, polling: 100 });
  await doctor.seesVideos(1);
  await member.screenshot('embedded');
  await doctor.close();
  await member.close();
});

test('the admin page is framed by nobody, the call page by nobody else', { timeout: 40_000 }, async () => {
  for (const [path, allowed] of [['/admin/', false], ['/?room=embedded&name=x', true]]) {
    const { headers } = await fetch(`${server.url}${path}`);
    assert.equal(headers.get('content-security-policy').includes(`frame-ancestors 'self' ${origin}`), allowed, path);
    assert.equal(headers.get('x-frame-options'), allowed ? null : 'DENY', path);
  }
  const { member, frame } = await embed('/admin/');
  assert.equal(await frame.evaluate(() => document.querySelectorAll('form, button').length).catch(() => 0), 0, 'nothing to click in it');
  assert.ok(member.takeErrors().some((e) => /frame/i.test(e)), 'the browser says why');
  await member.close();
});
