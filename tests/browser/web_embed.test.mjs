// tests/browser/web_embed.test.mjs: in a clinic's own page on another origin: the call page in a frame (server/web/README.md,
// "Embedding"), and the SDK imported by its address. Where the operator has named that origin; elsewhere not at all.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { launch, Member } from './lib/browsers.mjs';
import { Server } from './lib/server.mjs';

let server;
let browser;
/** The clinic's site, another origin. @type {http.Server} */ let clinic;
let origin;
let framed = '';
/** The guide's words for a page on a host of its own. */
const GUIDE = /<pre[^>]* data-test="elsewhere">([^<]*)</.exec(fs.readFileSync(new URL('../../server/web/examples/guide.html', import.meta.url), 'utf8'))[1].replaceAll('&#x27;', "'");

before(async () => {
  clinic = http.createServer((request, response) => {
    response.setHeader('content-type', 'text/html');
    if (request.url === '/own') {
      response.setHeader('content-security-policy', `default-src 'none'; script-src 'unsafe-inline' ${server.url}; connect-src ${server.url.replace('http', 'ws')}; media-src blob:`);
      response.end('<!doctype html><title>Clinic</title>');
      return;
    }
    response.end(`<!doctype html><title>Clinic</title><iframe src="${framed}" width="800" height="500"
      allow="camera; microphone; display-capture; autoplay; fullscreen; picture-in-picture; speaker-selection"></iframe>`);
  });
  await once(clinic.listen(0, '127.0.0.1'), 'listening');
  origin = `http://127.0.0.1:${clinic.address().port}`;
  server = await Server.start({ args: ['--set', `http.frame_ancestors=${origin}`, '--set', `http.allowed_origins=${origin}`] });
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

test('a page on another origin imports the SDK as the guide says, and talks; one that nobody has named may import it, not connect', { timeout: 60_000 }, async () => {
  const doctor = await Member.join(browser, server.url, { room: 'imported', name: 'Dr. Lee' });
  const context = await browser.createBrowserContext();
  const page = new Member(await context.newPage(), 'clinic', context);
  const token = (name) => server.token({ room: 'imported', role: 'patient', name });
  const body = GUIDE.replaceAll('https://call.example', server.url).replace(/^import (.*) from ('.*');/, 'const $1 = await import($2);');
  const join = (given) => page.evaluate(`(async (token) => {
    ${body}
    const room = window.room = await client.join({ topology: 'never' });
    await new Promise((resolve) => room.on('trackSubscribed', (track) => track.source === 'camera' && resolve(document.body.append(Object.assign(track.attach(), { muted: true, autoplay: true })))));
    await room.localParticipant.setCameraEnabled(true);
    return room.id;
  })(${JSON.stringify(given)}).catch((error) => String(error.code))`);
  await page.page.goto(`${origin}/own`);
  assert.equal(await join(await token('Maria')), 'imported');
  await page.waitFor(() => document.querySelector('video')?.videoWidth > 0, 'seeing the doctor');
  await doctor.seesVideos(1);
  assert.deepEqual(page.takeErrors(), []);
  await page.page.goto(`${origin.replace('127.0.0.1', 'localhost')}/own`); // another origin to browsers
  assert.equal(await join(await token('Nobody')), 'connection_lost');
  await doctor.close();
  await page.close();
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
