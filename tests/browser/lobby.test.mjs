// tests/browser/lobby.test.mjs: before the call: own picture, microphone, speaker, devices, the connection test and its verdict, and
// help when the browser refuses the camera.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { checkAccess } from './lib/access.mjs';
import { launch } from './lib/browsers.mjs';
import { Server } from './lib/server.mjs';
import { PHONE, Visitor } from './lib/visitor.mjs';

let server;
let browser;

before(async () => {
  server = await Server.start();
  browser = await launch('chromium');
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

const lobby = ({ room = 'lobby', ...how }) => Visitor.open(browser, `${server.url}/?lang=en&room=${room}&name=Dr.+Lee`, { name: 'Dr. Lee', ...how });

/** Camera and microphone as the page gets them. @param {string | null} error the name of getUserMedia's refusal */
const refusing = (error) => (page) => page.evaluateOnNewDocument((name) => {
  if (!navigator.mediaDevices) return;
  const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  window.refuse = name;
  navigator.mediaDevices.getUserMedia = (wish) => (window.refuse ? Promise.reject(new DOMException('no', window.refuse)) : real(wish));
}, error);

test('picture, microphone and speaker; the devices go on into the call without being asked for again', { timeout: 60_000 }, async () => {
  const visitor = await lobby({
    prepare: (page) => page.evaluateOnNewDocument(() => {
      if (!navigator.mediaDevices) return;
      window.asked = 0;
      const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = (wish) => (window.asked++, real(wish));
    }),
  });
  await visitor.evaluate(() => document.querySelector('[data-action="open-devices"]')?.click());
  await visitor.waitFor(() => document.querySelector('.preview.has-picture video')?.videoWidth > 0, 'seeing himself');
  await visitor.waitFor(() => /works/.test(document.querySelector('.meter-words')?.textContent ?? ''), 'heard');
  await visitor.click('[data-action="play-sound"]');
  await visitor.waitFor(() => !document.querySelector('.check-question').hidden, 'asked whether he heard it');
  await checkAccess(visitor.page, 'lobby');
  await visitor.screenshot('lobby');
  await visitor.click('.check-question button');
  assert.equal(await visitor.words('.check-said'), 'Your speaker works.');
  await visitor.click('#start-join');
  await visitor.sees('room');
  await visitor.waitFor(() => ['microphone', 'camera'].every((s) => window.consilium.room.localParticipant.isEnabled(s)), 'sending both');
  assert.equal(await visitor.evaluate(() => window.asked), 1, 'the browser was asked once');
  assert.deepEqual(visitor.takeErrors(), []);
  await visitor.close();
});

test('the connection test says how it stands, in under 15 s, and nobody sees it', { timeout: 60_000 }, async () => {
  const visitor = await lobby({ room: 'tested', viewport: PHONE });
  const took = await visitor.evaluate(async () => {
    const began = performance.now();
    document.querySelector('[data-action="test-connection"]').click();
    await new Promise((resolve) => new MutationObserver((_, o) => document.querySelector('[data-verdict]') && (o.disconnect(), resolve())).observe(document.body, { attributes: true, subtree: true }));
    return performance.now() - began;
  });
  assert.ok(took < 15_000, `${took} ms`);
  const verdict = await visitor.evaluate(() => document.querySelector('[data-verdict]').dataset.verdict);
  assert.ok(['good', 'fair', 'poor'].includes(verdict), verdict); // how good, is the machine's matter
  const figure = (name) => visitor.words(`[data-figure="${name}"]`);
  assert.match(await figure('rtt'), /^\d+ ms$/);
  assert.match(await figure('loss'), /^\d+(\.\d)?%$/);
  assert.ok(parseFloat(await figure('up')) > 0 && parseFloat(await figure('down')) > 0, `${await figure('up')} ${await figure('down')}`);
  assert.equal(await figure('route'), 'Direct (UDP)');
  await visitor.evaluate(() => document.querySelector('.figures').scrollIntoView());
  await visitor.screenshot('lobby-tested-phone');
  await checkAccess(visitor.page, 'connection tested');
  assert.equal(await server.room('tested'), null, 'the room itself has not been entered');
  assert.deepEqual(visitor.takeErrors(), []);
  await visitor.close();
});

test('a network that lets no media through is told so', { timeout: 40_000 }, async () => {
  const visitor = await lobby({
    prepare: (page) => page.evaluateOnNewDocument(() => {
      const Real = RTCPeerConnection;
      // Without a TURN server there is no candidate at all.
      window.RTCPeerConnection = class extends Real { constructor(options) { super({ ...options, iceTransportPolicy: 'relay' }); } };
    }),
  });
  await visitor.click('[data-action="test-connection"]');
  await visitor.waitFor(() => document.querySelector('[data-verdict="blocked"]'), 'told that it is blocked', { timeout: 16_000 });
  assert.match(await visitor.words('.verdict'), /ask your IT department/);
  await visitor.screenshot('lobby-blocked');
  await checkAccess(visitor.page, 'media blocked');
  await visitor.close();
});

test('refused, unplugged, taken: each with its own help, and another try', { timeout: 40_000 }, async () => {
  const visitor = await lobby({ viewport: PHONE, prepare: refusing('NotAllowedError') });
  const trouble = (code) => visitor.waitFor((c) => document.querySelector(`.trouble[data-error="${c}"]`), `told of ${code}`, {}, code);
  await visitor.evaluate(() => document.querySelector('[data-action="open-devices"]:not(.trouble *)')?.click());
  await trouble('permission_denied');
  assert.match(await visitor.words('.trouble'), /icon to the left of the address/, 'in the words of this browser');
  await visitor.evaluate(() => document.querySelector('.trouble').scrollIntoView());
  await visitor.screenshot('lobby-refused-phone');
  await checkAccess(visitor.page, 'permission refused');
  for (const [error, code] of [['NotReadableError', 'device_in_use'], ['NotFoundError', 'device_not_found']]) {
    await visitor.evaluate((e) => (window.refuse = e), error);
    await visitor.click('[data-action="open-devices"]');
    await trouble(code);
  }
  await visitor.evaluate(() => (window.refuse = null));
  await visitor.click('[data-action="open-devices"]');
  await visitor.waitFor(() => document.querySelector('.preview.has-picture'), 'seeing himself after all');
  await visitor.close();
});

test('each browser has its own words', { timeout: 20_000 }, async () => {
  const visitor = await lobby({});
  const found = await visitor.evaluate(async () => {
    const { browserOf } = await import('/app/permission_help.js');
    return [
      'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1',
      'Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36',
      'Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36 MicroMessenger/8.0',
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0',
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15',
    ].map((agent) => browserOf(agent));
  });
  assert.deepEqual(found, ['firefox', 'ios', 'android', 'wechat', 'edge', 'safari']);
  await visitor.close();
});
