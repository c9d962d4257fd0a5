// tests/browser/web_firefox.test.mjs: the SDK's quirks of Firefox: simulcast, layers switched off, data channels, toggles,
// resume, statistics; against Chromium and against another Firefox.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, Member } from './lib/browsers.mjs';
import { Server } from './lib/server.mjs';

const room = 'firefox';
const PATIENCE = { timeout: 45_000 };

let server;
const browsers = [];
/** @type {Member} */ let fox;
/** @type {Member} */ let chrome;

before(async () => {
  server = await Server.start();
  const viewport = { width: 800, height: 600 };
  browsers.push(await launch('firefox', { viewport }), await launch('chromium', { viewport }));
  fox = await Member.join(browsers[0], server.url, { room, name: 'Fox' }, { topology: 'never' }, (page) =>
    page.evaluateOnNewDocument(() => {
      const { addTransceiver } = RTCPeerConnection.prototype;
      RTCPeerConnection.prototype.addTransceiver = function (kind, options) {
        const transceiver = addTransceiver.call(this, kind, options);
        if (options?.sendEncodings?.length === 3) window.cameraSender = transceiver.sender;
        return transceiver;
      };
    }));
  chrome = await Member.join(browsers[1], server.url, { room, name: 'Chrome', role: 'patient' }, { topology: 'never' });
});

after(async () => {
  await Promise.all(browsers.map((b) => b.close()));
  await server?.stop();
});

test('they see and hear each other', { timeout: 90_000 }, async () => {
  await Promise.all([fox, chrome].map((m) => m.seesVideos(1, PATIENCE)));
  for (const member of [fox, chrome]) {
    await member.waitFor(async () => [...(await window.consilium.room.getStats()).values()].some((r) => r.type === 'inbound-rtp' && r.kind === 'audio' && r.packetsReceived > 20), 'hearing', PATIENCE);
    assert.deepEqual(member.takeErrors(), [], member.name);
  }
});

test('Firefox sends layers, and stops those that nobody wants', { timeout: 90_000 }, async () => {
  const layers = () => fox.evaluate(async () => {
    const reports = [...(await window.consilium.room.getStats()).values()].filter((r) => r.type === 'outbound-rtp' && r.kind === 'video');
    return reports.map((r) => r.rid).sort();
  });
  await fox.waitFor(async () => [...(await window.consilium.room.getStats()).values()].some((r) => r.type === 'outbound-rtp' && r.kind === 'video' && r.framesEncoded > 10), 'encoding', PATIENCE);
  assert.deepEqual(await layers(), ['f', 'h', 'q']);
  await chrome.evaluate(() => document.querySelector('.tile.camera:not(.own)').style.setProperty('display', 'none', 'important'));
  // Nobody looks any more: what the sender is told ends in its parameters.
  await fox.waitFor(() => window.cameraSender.getParameters().encodings.every((e) => !e.active), 'pausing every layer', PATIENCE);
  await chrome.evaluate(() => document.querySelector('.tile.camera:not(.own)').style.removeProperty('display'));
  await fox.waitFor(() => window.cameraSender.getParameters().encodings.some((e) => e.active), 'sending again', PATIENCE);
  await chrome.seesVideos(1, PATIENCE);
});

test('data both ways', async () => {
  for (const [from, to] of [[fox, chrome], [chrome, fox]]) {
    await to.evaluate(() => {
      window.got = [];
      window.consilium.room.on('dataReceived', (payload, who, reliable) => window.got.push([new TextDecoder().decode(payload), who?.name, reliable]));
    });
    await from.evaluate(async () => {
      await window.consilium.room.sendData(new TextEncoder().encode('reliable'));
      await window.consilium.room.sendData(new TextEncoder().encode('lossy'), { reliable: false });
    });
    await to.waitFor(() => window.got.length >= 2, 'both messages');
    assert.deepEqual((await to.evaluate(() => window.got)).sort(), [['lossy', from.name, false], ['reliable', from.name, true]]);
  }
});

test('camera and microphone off and on', { timeout: 90_000 }, async () => {
  for (const source of ['camera', 'microphone']) {
    await fox.click(`#control-${source}`);
    await chrome.waitFor((s) => [...window.consilium.room.remoteParticipants.values()][0].publication(s).muted, `told of the ${source}`, {}, source);
    await fox.click(`#control-${source}`);
    await chrome.waitFor((s) => !([...window.consilium.room.remoteParticipants.values()][0].publication(s).muted), `told of the ${source} again`, PATIENCE, source);
  }
  const before = await chrome.inbound();
  await chrome.waitFor(async (counts) => {
    const reports = [...(await window.consilium.room.getStats()).values()].filter((r) => r.type === 'inbound-rtp' && counts[r.mid]?.packets > 0);
    return reports.length >= 2 && reports.every((r) => r.packetsReceived > counts[r.mid].packets);
  }, 'receiving both', PATIENCE, before);
});

test('signaling lost and resumed, media goes on', { timeout: 60_000 }, async () => {
  await fox.evaluate(() => {
    window.back = 0;
    window.consilium.on('reconnected', () => window.back++);
    window.consilium.simulateSignalLoss(1500);
  });
  const before = await fox.inbound();
  await fox.waitFor(() => window.back === 1, 'reconnected');
  const afterwards = await fox.inbound();
  const flowing = Object.entries(before).filter(([, r]) => r.packets > 0);
  assert.ok(flowing.length >= 2);
  for (const [mid, { packets }] of flowing) assert.ok(afterwards[mid].packets > packets, `slot ${mid}`);
  for (const member of [fox, chrome]) assert.deepEqual(member.takeErrors(), [], member.name);
});

test('two Firefoxes and a Chromium', { timeout: 120_000 }, async () => {
  browsers.push(await launch('firefox', { viewport: { width: 640, height: 480 } })); // tabs of one window: only one is visible
  const vixen = await Member.join(browsers[2], server.url, { room, name: 'Vixen', role: 'interpreter' });
  await Promise.all([fox, chrome, vixen].map((m) => m.seesVideos(2, PATIENCE)));
  for (const member of [fox, chrome, vixen]) {
    await member.waitFor(async () => [...(await window.consilium.room.getStats()).values()].filter((r) => r.type === 'inbound-rtp' && r.kind === 'audio' && r.packetsReceived > 20).length >= 2, 'hearing both', PATIENCE);
  }
  for (const member of [fox, chrome, vixen]) assert.deepEqual(member.takeErrors(), [], member.name);
});
