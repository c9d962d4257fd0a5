// tests/system/crash.test.mjs: processes are killed in the middle of calls. A worker takes its own rooms' media with it for some
// seconds and no other's; the gateway takes nobody's.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, Member } from '../browser/lib/browsers.mjs';
import { Client } from './lib/client.mjs';
import { Peer } from './lib/peer.mjs';
import { end, Server } from './lib/server.mjs';
import { until } from './lib/until.mjs';

/** All media of the killed worker's rooms must be back in this time. */
const BACK_MS = 5000;

let server;
let browser;
let killed = 0;

before(async () => {
  server = await Server.start({ workers: 2 });
  browser = await launch('chromium', { viewport: { width: 640, height: 420 } });
});

after(async () => {
  await browser?.close();
  await end(server, { killed });
});

/** Ends one process of the server for good, and returns when it happened. */
function kill(name) {
  process.kill(server.children().get(name), 'SIGKILL');
  killed++;
  return performance.now();
}

/** 'worker N': whose port the server's answer names. */
function workerOf(peer) {
  const port = /^a=candidate:\S+ 1 udp \d+ \S+ (\d+)/im.exec(peer.answer)[1];
  return `worker ${new RegExp(`worker-(\\d+) worker_ready port=${port}\\b`).exec(server.log)[1]}`;
}

const small = (i) => ({ camera: { colour: 60 + 60 * i, fps: 10 }, microphone: { hertz: 400 + 300 * i } });
const pair = (room) => Promise.all([0, 1].map((i) => Peer.join(server, { room, name: `${room} ${i}`, identity: `${room}-${i}` }, small(i))));

/** Counts, in the page, the frames that each remote video shows from now on. */
function countFrames(member) {
  return member.evaluate(() => {
    window.framesOf = new Map();
    clearInterval(window.framesTimer);
    const watched = new WeakSet();
    window.framesTimer = setInterval(() => {
      for (const video of document.querySelectorAll('video[data-participant]')) {
        if (video.dataset.own || watched.has(video)) continue;
        watched.add(video);
        const shown = () => {
          const who = video.dataset.participant;
          window.framesOf.set(who, (window.framesOf.get(who) ?? 0) + 1);
          video.requestVideoFrameCallback(shown);
        };
        video.requestVideoFrameCallback(shown);
      }
    }, 20);
  });
}

const seesFramesOf = (member, ids, what, timeout) =>
  member.waitFor((wanted) => wanted.every((id) => (window.framesOf.get(id) ?? 0) >= 5), what, { timeout }, ids);

test('a worker is killed: its rooms have media again within 5 s, the other worker\'s lose no packet', { timeout: 60_000 }, async () => {
  const [a, b] = await pair('broken');
  const [c, d] = await pair('whole');
  const page = await Member.join(browser, server.url, { room: 'broken', name: 'Page', role: 'doctor' });
  try {
    assert.notEqual(workerOf(a), workerOf(c), 'the rooms are on two workers');
    assert.equal(workerOf(a), workerOf(b));
    await Promise.all([a.perceives(b), b.perceives(a), c.perceives(d), d.perceives(c), page.seesVideos(2)]);
    const pageBefore = await page.evaluate(() => window.consilium.room.localParticipant.id);
    const start = await Promise.all([c, d].map((p) => p.received()));
    for (const p of [c, d]) for (const sink of p.sinks.values()) sink.restart?.();

    const at = kill(workerOf(a));
    await until(() => [a, b].every((p) => p.rejoins === 1), 'mediaLost came');
    await Promise.all([a, b].map(async (p) => p.recovery));
    await countFrames(page);
    const left = () => BACK_MS - (performance.now() - at);
    await Promise.all([a.perceives(b, { timeout: left() }), b.perceives(a, { timeout: left() }), seesFramesOf(page, [a.id, b.id], 'seeing both again', left())]);
    const pageId = await page.evaluate(() => window.consilium.room.localParticipant.id);
    assert.notEqual(pageId, pageBefore, 'the page joined anew');
    for (const p of [a, b]) await until(() => [...p.slots.values()].some((s) => s.participant === pageId && s.source === 'camera'), 'the page is seen');
    await until(() => a.sink(b, 'microphone')?.hears(700), 'sound is back');
    const took = performance.now() - at;
    assert.ok(took < BACK_MS, `${took.toFixed(0)} ms`);

    const now = await Promise.all([c, d].map((p) => p.received()));
    for (const [i, p] of [c, d].entries()) {
      assert.ok(now[i].packets > start[i].packets + 20, 'packets kept coming');
      assert.deepEqual([now[i].lost, now[i].nacks], [0, start[i].nacks], 'no packet lost on the other worker');
      assert.ok([...p.sinks.values()].every((s) => !s.gap || s.gap() < 2000), 'and frames kept coming');
      assert.equal(p.rejoins, 0);
    }
    // The dead one is replaced and takes rooms again.
    await until(async () => /consilium_worker_up\{worker="0"\} 1\n.*worker="1"\} 1/s.test(await (await server.api('/metrics')).text()), 'both workers are up');
    const [e, f] = await pair('new');
    await e.perceives(f);
    await Promise.all([e.leave(), f.leave()]);
  } finally {
    await Promise.all([a, b, c, d].map((p) => p.leave()));
    await page.close();
  }
});

test('the gateway is killed: media goes on, everybody comes back as who they were', { timeout: 60_000 }, async () => {
  const [a, b] = await pair('steady');
  const page = await Member.join(browser, server.url, { room: 'steady', name: 'Page', role: 'doctor' });
  const used = await server.token({ room: 'steady', name: 'Used', identity: 'used' });
  const guest = await Client.hello(server, { token: used });
  try {
    await Promise.all([a.perceives(b), b.perceives(a), page.seesVideos(2)]);
    await until(async () => (await server.room('steady')).participants.every((p) => p.tracks.length === 2), 'everybody publishes');
    const ids = [a.id, b.id, await page.evaluate(() => window.consilium.room.localParticipant.id)];
    const people = (await server.room('steady')).participants.map((p) => [p.participant, p.identity, p.joinedAt, p.tracks.map((t) => t.track)]);
    const start = await Promise.all([a, b].map((p) => p.received()));
    for (const p of [a, b]) for (const sink of p.sinks.values()) sink.restart?.();
    await countFrames(page);

    kill('gateway');
    await guest.closed;
    // While nobody can be reached, packets arrive.
    const [during] = await Promise.all([a.received()]);
    await until(async () => (await a.received()).packets > during.packets + 5, 'packets without a gateway');
    await until(() => [a, b].every((p) => p.resumes === 1), 'resumed');
    await until(async () => {
      const room = await server.room('steady').catch(() => null);
      return room?.participants.length === 3 && room.participants.every((p) => p.connected);
    }, 'everybody is back');
    await seesFramesOf(page, [a.id, b.id], 'seeing both all the time', 5000);
    assert.deepEqual([a.id, b.id, await page.evaluate(() => window.consilium.room.localParticipant.id)], ids);
    assert.deepEqual((await server.room('steady')).participants.map((p) => [p.participant, p.identity, p.joinedAt, p.tracks.map((t) => t.track)]), people);
    const now = await Promise.all([a, b].map((p) => p.received()));
    for (const [i, p] of [a, b].entries()) {
      assert.deepEqual([now[i].lost, now[i].nacks], [0, start[i].nacks]);
      assert.ok([...p.sinks.values()].every((s) => !s.gap || s.gap() < 2000));
      assert.equal(p.rejoins, 0);
      assert.ok(!p.client.log.some((m) => m.event === 'participantLeft'));
    }
    // Signaling works as before, and the used token is still used.
    await a.client.request('chat', { text: 'all here' });
    await b.client.event('chat');
    const again = await Client.open(server.url);
    assert.equal(await again.refusal('hello', { version: 1, token: used }), 'token_used');
    await again.close();
  } finally {
    await Promise.all([a, b].map((p) => p.leave()));
    await page.close();
  }
});

test('a worker that hangs is taken for dead', { timeout: 60_000 }, async () => {
  const [a, b] = await pair('hung');
  try {
    await a.perceives(b);
    process.kill(server.children().get(workerOf(a)), 'SIGSTOP');
    killed++; // the supervisor does it
    await until(() => [a, b].every((p) => p.rejoins === 1), 'mediaLost came', { timeout: 15_000 });
    await Promise.all([a.recovery, b.recovery]);
    await a.perceives(b);
  } finally {
    await Promise.all([a, b].map((p) => p.leave()));
  }
});
