// tests/browser/layers.test.mjs: layers that nobody needs are paused at the publisher, and come back: from the size of an element on
// one page to the encodings of the camera on another.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, Member } from './lib/browsers.mjs';
import { Server } from './lib/server.mjs';

const camera = { width: 960, height: 540, frameRate: 15 };
/** Within two seconds, and as much again for a machine that is busy with something else. */
const PAUSE_MS = 4000;
const RESUME_MS = 3000;

let server;
let browser;
let anna;
let ben;

before(async () => {
  server = await Server.start();
  browser = await launch('chromium');
  anna = await Member.join(browser, server.url, { room: 'layers', name: 'Anna', camera }, { topology: 'never' });
  ben = await Member.join(browser, server.url, { room: 'layers', name: 'Ben', role: 'observer' }, { topology: 'never' });
  await ben.seesVideos(1);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Anna's encodings: whether each is on. */
async function waitForLayers(wanted, what, timeout) {
  await anna.evaluate(() => {
    window.activeLayers = async () => {
      const active = {};
      for (const report of (await window.consilium.room.getStats()).values()) {
        if (report.type === 'outbound-rtp' && report.kind === 'video' && report.rid) active[report.rid] = report.active;
      }
      return active;
    };
  });
  const began = Date.now();
  await anna.waitFor(async (expected) => {
    const active = await window.activeLayers();
    return Object.entries(expected).every(([rid, on]) => active[rid] === on);
  }, what, { timeout: 15_000 }, wanted);
  const took = Date.now() - began;
  assert.ok(took <= timeout, `${what} took ${took} ms`);
  return took;
}

/** The element in which Ben sees Anna; '' gives the size back to the page. */
const resize = (width, height) => ben.evaluate((w, h) => Object.assign(document.querySelector('video[data-participant]:not([data-own])').style, { width: w, height: h }), width, height);

const framesOf = (rid) => anna.evaluate(async (name) => {
  for (const report of (await window.consilium.room.getStats()).values()) {
    if (report.type === 'outbound-rtp' && report.rid === name) return report.framesEncoded ?? 0;
  }
  return 0;
}, rid);

test('a large picture needs all layers, a small one the small ones', async (t) => {
  await waitForLayers({ q: true, h: true, f: true }, 'sending all layers', 15_000);
  await resize('240px', '135px');
  t.diagnostic(`f paused after ${await waitForLayers({ q: true, f: false }, 'pausing the largest layer', PAUSE_MS)} ms`);
  await ben.waitFor(() => [...document.querySelectorAll('video[data-participant]')].some((v) => v.videoHeight > 0 && v.videoHeight <= 270), 'shown a smaller picture');
  const before = await framesOf('f');
  const shown = await ben.evaluate(() => document.querySelector('video[data-participant]:not([data-own])').getVideoPlaybackQuality().totalVideoFrames);
  await ben.waitFor((n) => document.querySelector('video[data-participant]:not([data-own])').getVideoPlaybackQuality().totalVideoFrames > n + 10, 'seeing ten frames more', {}, shown);
  assert.equal(await framesOf('f'), before);
});

test('the layer comes back when the picture grows', async (t) => {
  await resize('', '');
  t.diagnostic(`f resumed after ${await waitForLayers({ f: true }, 'resuming the largest layer', RESUME_MS)} ms`);
  await ben.waitFor(() => [...document.querySelectorAll('video[data-participant]')].some((v) => v.videoHeight === 540), 'shown the large picture again');
});

test('what nobody sees is not encoded', async (t) => {
  await ben.evaluate(() => (document.querySelector('video[data-participant]:not([data-own])').style.display = 'none'));
  t.diagnostic(`all paused after ${await waitForLayers({ q: false, h: false, f: false }, 'pausing everything', PAUSE_MS)} ms`);
  await ben.evaluate(() => (document.querySelector('video[data-participant]:not([data-own])').style.display = ''));
  t.diagnostic(`resumed after ${await waitForLayers({ q: true }, 'resuming', RESUME_MS)} ms`);
  const shown = await ben.evaluate(() => document.querySelector('video[data-participant]:not([data-own])').getVideoPlaybackQuality().totalVideoFrames);
  await ben.waitFor((n) => document.querySelector('video[data-participant]:not([data-own])').getVideoPlaybackQuality().totalVideoFrames > n, 'seeing pictures again', {}, shown);
});

test('each participant has a quality, with its cause', async () => {
  await anna.waitFor(() => window.consilium.room.localParticipant.quality?.uplink !== undefined, 'told of its own connection');
  const quality = await ben.evaluate(() => [...window.consilium.room.remoteParticipants.values()][0].quality);
  assert.ok(['excellent', 'good', 'poor'].includes(quality.uplink), quality.uplink);
  assert.ok(['none', 'uplink', 'downlink', 'otherUplink', 'device'].includes(quality.cause), quality.cause);
  assert.deepEqual(ben.errors, []);
});
