// tests/system/media.test.mjs: pictures, sound and data between real libwebrtc clients through the server.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Peer } from './lib/peer.mjs';
import { end, Server } from './lib/server.mjs';
import { pause, until } from './lib/until.mjs';

let server;

before(async () => {
  server = await Server.start();
});

after(() => end(server));

const sections = (sdp, kind) => sdp.split(/(?=^m=)/m).filter((s) => s.startsWith(`m=${kind}`));

test('two see, hear and reach each other', { timeout: 30_000 }, async (t) => {
  const anna = await Peer.join(server, { room: 'two', name: 'Anna' }, { camera: { colour: 60 }, microphone: { hertz: 400 } });
  const ben = await Peer.join(server, { room: 'two', name: 'Ben', role: 'patient' }, { camera: { colour: 200 }, microphone: { hertz: 900 } });
  try {
    await Promise.all([anna.perceives(ben), ben.perceives(anna)]);

    await t.test('the picture is the one that was sent', async () => {
      for (const [seer, seen, colour] of [[anna, ben, 200], [ben, anna, 60]]) {
        const screen = seer.sink(seen, 'camera');
        await until(() => screen.width === 320 && Math.abs(screen.colour - colour) < 12, () => `${seer.who.name} sees ${screen.width}x${screen.height} of colour ${screen.colour}`);
      }
    });

    await t.test('and goes on: 15 frames a second, none lost', async () => {
      const screen = anna.sink(ben, 'camera');
      const before = { frames: screen.frames, at: performance.now() };
      await until(() => screen.frames >= before.frames + 45, 'three seconds of frames');
      assert.ok(performance.now() - before.at < 4500, 'at the rate of the camera');
      assert.equal((await anna.received()).lost, 0);
    });

    await t.test('the sound is the tone that was sent', async () => {
      await until(() => anna.sink(ben, 'microphone').hears(900), 'Anna hears 900 Hz');
      await until(() => ben.sink(anna, 'microphone').hears(400), 'Ben hears 400 Hz');
      assert.equal(anna.sink(ben, 'microphone').hears(400), false);
    });

    await t.test('RTX, NACK, PLI and transport-wide feedback are negotiated', () => {
      const video = sections(anna.answer, 'video');
      assert.equal(video.length, 5);
      for (const section of video) {
        assert.match(section, /a=rtpmap:\d+ rtx\/90000/);
        const vp8 = /a=rtpmap:(\d+) VP8/.exec(section)[1];
        for (const feedback of ['nack', 'nack pli', 'ccm fir', 'transport-cc']) assert.match(section, new RegExp(`^a=rtcp-fb:${vp8} ${feedback}\r$`, 'm'));
        assert.doesNotMatch(section, /ulpfec|flexfec/);
        if (section.includes('a=sendonly')) assert.match(section, /a=ssrc-group:FID (\d+) (\d+)/, 'a slot has its RTX');
      }
      assert.match(anna.answer, /a=setup:passive/);
      assert.match(anna.answer, /a=ice-lite/);
    });

    await t.test('the server counts nothing lost, and asked for nothing twice', async () => {
      const [a, b] = (await server.room('two')).participants;
      for (const track of [...a.tracks, ...b.tracks]) for (const layer of track.received) assert.equal(layer.lost, 0);
    });

    await t.test('data: reliable in order and whole, lossy too on a good path, both ways', async () => {
      const channels = (p) => [p.reliable, p.lossy];
      await until(() => [...channels(anna), ...channels(ben)].every((c) => c.readyState === 'open'), 'channels open');
      for (const [from, to] of [[anna, ben], [ben, anna]]) {
        for (const channel of channels(from)) {
          for (let i = 0; i < 50; i++) from.send(channel, Buffer.from([i]));
          const big = Buffer.alloc(60_000, 7);
          from.send(channel, big, to.id);
          const got = await until(() => {
            const list = to.data.filter((d) => d.label === channel.label);
            return list.length === 51 && list;
          }, () => `51 messages on ${channel.label}, but ${to.data.length}`);
          const order = got.slice(0, 50).map((d) => d.payload[0]);
          if (channel === from.lossy) order.sort((x, y) => x - y);
          assert.deepEqual(order, Array.from({ length: 50 }, (_, i) => i));
          assert.ok(got[50].payload.equals(big));
          assert.ok(got.every((d) => d.from === from.id), 'the sender is said by the server');
          to.data.length = 0;
        }
      }
      // To somebody who is not there: dropped, not sent to all.
      anna.send(anna.reliable, 'x', 'p_nobody');
      anna.send(anna.reliable, 'last');
      await until(() => ben.data.length, 'the message after it');
      assert.deepEqual(ben.data.map((d) => String(d.payload)), ['last']);
    });

    await t.test('a muted microphone is silent at the server, whoever muted it', async () => {
      const mid = anna.mid(ben, 'microphone');
      const packets = async () => (await anna.inbound())[mid].packetsReceived;
      await anna.client.request('mute', { track: ben.tracks.microphone, muted: true });
      let last = -1;
      await until(async () => {
        const now = await packets();
        const still = now === last;
        last = now;
        return still;
      }, 'no more packets of the muted one', { every: 200 });
      await ben.client.request('mute', { track: ben.tracks.microphone, muted: false });
      await until(async () => (await packets()) > last + 5, 'packets again');
      await until(() => anna.sink(ben, 'microphone').hears(900), 'the tone again');
      assert.equal((await anna.inbound())[mid].packetsLost, 0, 'silence is no loss');
    });

    await t.test('a track that is unpublished leaves its slot; published again it is back', async () => {
      await ben.client.request('unpublish', { tracks: [ben.tracks.camera] });
      await until(() => !anna.sink(ben, 'camera'), 'the slot is empty');
      const { tracks } = await ben.client.request('publish', { tracks: [{ mid: '1', source: 'camera' }] });
      ben.tracks.camera = tracks[0].track;
      await anna.perceives(ben);
    });
  } finally {
    await Promise.all([anna.leave(), ben.leave()]);
  }
});

test('three in a room: each sees the two others and nobody else', { timeout: 30_000 }, async () => {
  const colours = [50, 128, 210];
  const people = [];
  for (const [i, colour] of colours.entries()) people.push(await Peer.join(server, { room: 'three', name: `P${i}` }, { camera: { colour, fps: 10 }, microphone: { hertz: 300 + 400 * i } }));
  const stranger = await Peer.join(server, { room: 'elsewhere', name: 'Stranger' }, { camera: { colour: 90, fps: 10 } });
  try {
    for (const [i, seer] of people.entries()) {
      for (const [j, seen] of people.entries()) {
        if (i === j) continue;
        await until(() => Math.abs((seer.sink(seen, 'camera')?.colour ?? 0) - colours[j]) < 12, () => `P${i} sees P${j}: ${seer.sink(seen, 'camera')?.colour}`);
        await until(() => seer.sink(seen, 'microphone')?.hears(300 + 400 * j), `P${i} hears P${j}`);
      }
      const filled = [...seer.slots.values()].filter((s) => s.track);
      assert.equal(filled.length, 4, JSON.stringify(filled));
    }
    assert.equal((await stranger.received()).packets, 0);
    // One goes: the two others' slots are free, and nothing of it arrives any more.
    await people[2].leave();
    await until(() => [...people[0].slots.values()].filter((s) => s.track).length === 2, 'slots are free');
  } finally {
    await Promise.all([...people.slice(0, 2), stranger].map((p) => p.leave()));
  }
});

test('an observer sees, hears and receives, and is not there', { timeout: 30_000 }, async () => {
  const anna = await Peer.join(server, { room: 'observed', name: 'Anna' }, { camera: { colour: 60 }, microphone: { hertz: 400 } });
  const ben = await Peer.join(server, { room: 'observed', name: 'Ben' }, { camera: null, microphone: null });
  const observer = await Peer.join(server, { room: 'observed', name: 'Observer', role: 'observer' }, { camera: null, microphone: null });
  try {
    await observer.perceives(anna);
    await until(() => observer.sink(anna, 'microphone').hears(400), 'sound');
    await until(() => [anna, ben, observer].every((p) => p.reliable.readyState === 'open'), 'channels');
    observer.send(observer.reliable, 'boo');
    observer.send(observer.reliable, 'boo', ben.id);
    anna.send(anna.reliable, 'psst', observer.id);
    anna.send(anna.reliable, 'to all');
    await until(() => ben.data.length > 0 && observer.data.length > 0, 'data');
    assert.deepEqual([ben, observer].map((p) => p.data.map((d) => String(d.payload))), [['to all'], ['to all']]);
    assert.ok(!JSON.stringify([anna, ben].map((p) => p.client.log)).includes(observer.id), 'its id is never told');
  } finally {
    await Promise.all([anna, ben, observer].map((p) => p.leave()));
  }
});

test('who is kicked gets not one packet more, and sends none to anybody', { timeout: 30_000 }, async () => {
  const [anna, ben] = [await Peer.join(server, { room: 'kicked', name: 'Anna' }), await Peer.join(server, { room: 'kicked', name: 'Ben', role: 'patient' })];
  try {
    await Promise.all([anna.perceives(ben), ben.perceives(anna)]);
    await anna.client.request('kick', { participant: ben.id, reason: 'enough' });
    assert.equal(await ben.client.closeCode(), 4001);
    await until(() => !anna.sink(ben, 'camera') && !anna.sink(ben, 'microphone'), 'its slots are empty');
    const stopped = async (peer) => {
      const { packets } = await peer.received();
      await pause(300);
      return (await peer.received()).packets === packets;
    };
    await until(() => stopped(ben), 'Ben receives nothing');
    await until(() => stopped(anna), 'Anna receives nothing');
    await until(() => ben.reliable.readyState !== 'open' || ben.pc.connectionState !== 'connected', 'its transport is closed');
    assert.deepEqual((await server.room('kicked')).participants.map((p) => p.name), ['Anna']);
  } finally {
    await Promise.all([anna.leave(), ben.leave()]);
  }
});

test('simulcast: the size asked for by `view` is the size that comes, without a pause', { timeout: 60_000 }, async (t) => {
  const sender = await Peer.join(server, { room: 'layers', name: 'Sender' }, { camera: { width: 960, height: 540, fps: 12 }, simulcast: true, microphone: null });
  const viewer = await Peer.join(server, { room: 'layers', name: 'Viewer' }, { camera: null, microphone: null });
  try {
    await viewer.perceives(sender);
    const screen = viewer.sink(sender, 'camera');
    const track = sender.tracks.camera;
    const view = (width, height, visible = true) => viewer.client.request('view', { requests: [{ track, width, height, visible, priority: 'normal' }] });
    await view(960, 540);
    await until(() => screen.width === 960, () => `full size, but ${screen.width}`, { timeout: 20_000 });
    await until(async () => (await server.room('layers')).participants[0].tracks[0].received.filter((l) => l.live && l.packets > 10).length === 3, 'three layers arrive');

    for (const [width, height] of [[240, 135], [480, 270], [960, 540], [240, 135], [960, 540]]) {
      await t.test(`${width}×${height}`, async () => {
        screen.restart();
        await view(width, height);
        await until(() => screen.width === width, () => `${width} wide, but ${screen.width}`, { timeout: 10_000 });
        assert.equal(screen.height, height);
        const { frames } = screen;
        await until(() => screen.frames >= frames + 12, 'a second of frames');
        assert.ok(screen.gap() < 700, `the longest pause was ${screen.gap().toFixed(0)} ms`);
        const { lost } = await viewer.received();
        assert.equal(lost, 0, 'the receiver saw one continuous stream');
      });
    }

    await t.test('not visible: nothing comes; visible again: it does', async () => {
      await view(480, 270, false);
      let last = -1;
      await until(async () => {
        const { packets } = await viewer.received();
        const still = packets === last;
        last = packets;
        return still;
      }, 'no more packets', { every: 300 });
      await view(480, 270);
      const { frames } = viewer.sink(sender, 'camera') ?? screen;
      await until(() => (viewer.sink(sender, 'camera')?.frames ?? 0) > frames, 'frames again');
    });

    await t.test('what nobody watches is paused at the publisher, and back when somebody does', async () => {
      sender.client.forget();
      let lag = 0; // of this process: a machine that is busy with something else says nothing about the server
      let last = performance.now();
      const beat = setInterval(() => ([lag, last] = [Math.max(lag, performance.now() - last - 20), performance.now()]), 20).unref();
      let began = performance.now();
      await view(240, 135);
      const told = await sender.client.event('layersWanted', (m) => !m.layers[1].active);
      const paused = performance.now() - began;
      assert.equal(told.track, track);
      assert.deepEqual(told.layers.map((l) => [l.rid, l.active]), [['q', true], ['h', false], ['f', false]]);
      began = performance.now();
      await view(960, 540);
      await sender.client.event('layersWanted', (m) => m.layers.every((l) => l.active));
      const resumed = performance.now() - began;
      clearInterval(beat);
      t.diagnostic(`paused after ${paused.toFixed(0)} ms, resumed after ${resumed.toFixed(0)} ms; lag ${lag.toFixed(0)} ms`);
      if (lag < 100) assert.ok(paused < 2000 && resumed < 1000, `paused after ${paused} ms, resumed after ${resumed} ms`);
      const screen = viewer.sink(sender, 'camera');
      await until(() => screen.width === 960, () => `full size again, but ${screen.width}`);
    });
  } finally {
    await Promise.all([sender.leave(), viewer.leave()]);
  }
});

test('slots run out, are asked for and used', { timeout: 30_000 }, async () => {
  const viewer = await Peer.join(server, { room: 'slots', name: 'Viewer' }, { camera: null, microphone: null, slots: { audio: 1, video: 1 } });
  const people = [];
  try {
    for (let i = 0; i < 3; i++) people.push(await Peer.join(server, { room: 'slots', name: `P${i}` }, { camera: { fps: 5 }, slots: { audio: 0, video: 0 } }));
    const needed = await viewer.client.event('slotsNeeded', (m) => m.video >= 3);
    await viewer.grow(needed);
    for (const p of people) await viewer.perceives(p);
    assert.equal((await viewer.received()).lost, 0);
  } finally {
    await Promise.all([viewer, ...people].map((p) => p.leave()));
  }
});
