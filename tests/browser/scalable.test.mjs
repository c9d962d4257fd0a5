// tests/browser/scalable.test.mjs: VP9 and AV1 in one stream with all sizes in it (SVC): each receiver gets the size that it shows, and
// changes it without a pause and without more key frames than changes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { launch, Member } from './lib/browsers.mjs';
import { Server } from './lib/server.mjs';

const camera = { width: 960, height: 540, frameRate: 15 };
/** A quarter of it, which VP9 makes even. */
const SMALL = 136;
const LARGE = 540;
/** A change waits for a key frame at most; a picture that stands still for longer is a freeze. Two frames are 133 ms. */
const LONGEST_MS = 1000;

/** The height in which the other's picture is decoded. */
const shownHeight = () => document.querySelector('video[data-participant]:not([data-own])').videoHeight;

const resize = (member, width, height) => member.evaluate((w, h) => Object.assign(document.querySelector('video[data-participant]:not([data-own])').style, { width: w, height: h }), width, height);

const sees = (member, height, what) => member.waitFor((h) => [h, h - 1].includes(document.querySelector('video[data-participant]:not([data-own])')?.videoHeight), what, { timeout: 30_000 }, height);

/** What the camera sends. */
const sent = (member) => member.evaluate(async () => {
  const streams = [];
  for (const r of (await window.consilium.room.getStats()).values()) {
    if (r.type === 'outbound-rtp' && r.kind === 'video' && r.active) streams.push({ mode: r.scalabilityMode, height: r.frameHeight, keys: r.keyFramesEncoded, asked: (r.pliCount ?? 0) + (r.firCount ?? 0) });
  }
  return streams;
});

const frozen = (member) => member.evaluate(async () => {
  let freezes = 0;
  for (const r of (await window.consilium.room.getStats()).values()) if (r.type === 'inbound-rtp' && r.kind === 'video') freezes += r.freezeCount ?? 0;
  return freezes;
});

for (const codec of ['VP9', 'AV1']) {
  test(`${codec}: one stream, to each its size`, async (t) => {
    const server = await Server.start({ args: ['--set', `rooms.video_codecs=${codec}`] });
    const browser = await launch('chromium');
    try {
      const anna = await Member.join(browser, server.url, { room: 'scalable', name: 'Anna', camera }, { topology: 'never' });
      const ben = await Member.join(browser, server.url, { room: 'scalable', name: 'Ben', role: 'observer' }, { topology: 'never' });
      const clara = await Member.join(browser, server.url, { room: 'scalable', name: 'Clara', role: 'observer' }, { topology: 'never' });
      await sees(ben, LARGE, 'shown the large picture');
      await sees(clara, LARGE, 'shown the large picture');
      const [stream, ...others] = await sent(anna);
      assert.deepEqual(others, [], 'one stream carries all sizes');
      assert.equal(stream.mode, 'L3T3_KEY');

      const before = { keys: stream.keys, asked: stream.asked, ben: await frozen(ben), clara: await frozen(clara) };
      await ben.watch();
      await clara.watch();
      for (const member of [ben, clara]) await member.evaluate(() => {
        window.sizes = 0;
        document.querySelector('video[data-participant]:not([data-own])').addEventListener('resize', () => window.sizes++);
      });
      for (let i = 0; i < 2; i++) {
        await resize(clara, '240px', '135px');
        await sees(clara, SMALL, 'shown the small picture');
        assert.equal(await ben.evaluate(shownHeight), LARGE, 'the other one keeps the large picture');
        await resize(clara, '', '');
        await sees(clara, LARGE, 'shown the large picture again');
      }
      const [ended] = await sent(anna);
      const seen = { ben: Object.values(await ben.watched())[0], clara: Object.values(await clara.watched())[0] };
      const [benChanges, changes] = await Promise.all([ben, clara].map((member) => member.evaluate(() => window.sizes)));
      t.diagnostic(`${ended.asked - before.asked} key frames asked for, ${ended.keys - before.keys} sent, for ${changes} changes of size; longest gaps ${Math.round(seen.ben.longest)}, ${Math.round(seen.clara.longest)} ms; freezes ${await frozen(ben) - before.ben}, ${await frozen(clara) - before.clara}`);
      assert.equal(benChanges, 0, 'who asked for nothing else sees nothing of it');
      assert.ok(ended.asked - before.asked <= changes, `${ended.asked - before.asked} key frames asked for, ${changes} changes`);
      assert.ok(seen.clara.longest < LONGEST_MS, `${seen.clara.longest} ms without a picture`);

      // The publisher stops the sizes that nobody needs, and resumes them.
      for (const member of [ben, clara]) await resize(member, '240px', '135px');
      await anna.waitFor(async () => {
        const [one] = [...(await window.consilium.room.getStats()).values()].filter((r) => r.type === 'outbound-rtp' && r.kind === 'video' && r.active);
        return one?.frameHeight > 0 && one.frameHeight <= 136;
      }, 'sending the small picture only', { timeout: 20_000 });
      await sees(ben, SMALL, 'shown the small picture');
      await resize(ben, '', '');
      await sees(ben, LARGE, 'shown the large picture again');
      for (const member of [anna, ben, clara]) assert.deepEqual(member.errors, []);
    } finally {
      await browser.close();
      await server.stop();
    }
  });
}
