// tests/browser/web_call.test.mjs: what two people do in a call on our pages: devices off and on, chat, data, a doctor's
// powers, a lost signaling connection, a reload, the end for all.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, Member } from './lib/browsers.mjs';
import { Server } from './lib/server.mjs';

const room = 'call';
const HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>';

let server;
let browser;
/** @type {Member} */ let doctor;
/** @type {Member} */ let patient;

before(async () => {
  server = await Server.start();
  browser = await launch('chromium', { viewport: { width: 900, height: 600 } });
  doctor = await Member.join(browser, server.url, { room, name: 'Dr. Lee', role: 'doctor' });
  patient = await Member.join(browser, server.url, { room, name: HOSTILE, role: 'patient' });
  await Promise.all([doctor.seesVideos(1), patient.seesVideos(1)]);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

function calm() {
  assert.deepEqual(doctor.takeErrors(), []);
  assert.deepEqual(patient.takeErrors(), []);
}

test('camera off and on: the device is let go, the other sees an avatar and then the picture again', async () => {
  await patient.click('#control-camera');
  await patient.waitFor(() => !window.consilium.room.localParticipant.isEnabled('camera'), 'camera off');
  assert.equal(await patient.evaluate(() => window.consilium.room.localParticipant.publication('camera').track.mediaStreamTrack.readyState), 'ended');
  await doctor.waitFor(() => [...window.consilium.room.remoteParticipants.values()][0].publication('camera').muted, 'told of the camera');
  await doctor.waitFor(() => !document.querySelector('.tile.camera:not(.own)').classList.contains('has-video'), 'showing the avatar');
  await patient.click('#control-camera');
  await doctor.waitFor(() => document.querySelector('.tile.camera:not(.own)').classList.contains('has-video'), 'showing the picture');
  await doctor.seesVideos(1);
  calm();
});

test('fast toggles end where the last one points', async () => {
  await patient.evaluate(() => Promise.all([false, true, false, true, false].map((on) => window.consilium.room.localParticipant.setMicrophoneEnabled(on))));
  await doctor.waitFor(() => [...window.consilium.room.remoteParticipants.values()][0].publication('microphone').muted, 'told of the mute');
  await patient.evaluate(() => Promise.all([true, false, true].map((on) => window.consilium.room.localParticipant.setMicrophoneEnabled(on))));
  await doctor.waitFor(() => ![...window.consilium.room.remoteParticipants.values()][0].publication('microphone').muted, 'told of the unmute');
  assert.equal(await patient.evaluate(() => document.getElementById('control-microphone').dataset.state), 'on');
  calm();
});

test('a doctor mutes: the owner is told who it was and can open the microphone again', async () => {
  await doctor.choose('.tile:not(.own) .tile-menu', 'mute');
  await patient.waitFor(() => !window.consilium.room.localParticipant.isEnabled('microphone'), 'muted');
  await patient.waitFor(() => document.querySelector('.toast')?.textContent.includes('Dr. Lee'), 'told by whom');
  await doctor.waitFor(() => document.querySelector('.tile:not(.own) .badge.microphone-off'), 'showing the badge');
  assert.equal(await patient.evaluate(() => document.getElementById('control-microphone').dataset.state), 'off');
  await patient.click('#control-microphone');
  await doctor.waitFor(() => !document.querySelector('.tile:not(.own) .badge.microphone-off'), 'rid of the badge');
  calm();
});

test('chat: one’s own and the other’s once each, unread counted, text stays text', async () => {
  await patient.click('#control-chat');
  await patient.type('#chat-text', HOSTILE, 'Enter');
  await patient.waitFor(() => document.querySelectorAll('.chat-item.own').length === 1, 'its own message');
  await doctor.waitFor(() => document.getElementById('control-chat').dataset.unread === '1', 'one unread');
  await doctor.click('#control-chat');
  await doctor.type('#chat-text', 'Good morning', 'Enter');
  await patient.waitFor(() => document.querySelectorAll('.chat-item').length === 2, 'both messages');
  assert.equal(await doctor.evaluate(() => document.getElementById('control-chat').dataset.unread), '');
  assert.equal(await doctor.evaluate(() => document.querySelector('.chat-words').textContent), HOSTILE);
  for (const member of [doctor, patient]) {
    assert.equal(await member.evaluate(() => window.hacked), undefined);
    assert.equal(await member.evaluate(() => document.querySelectorAll('.tile img, .chat-list img, .tile script').length), 0);
    await member.click('#chat-close');
  }
  calm();
});

test('data messages: reliable and lossy, to all and to one', async () => {
  await doctor.evaluate(() => {
    window.received = [];
    window.consilium.room.on('dataReceived', (payload, from, reliable) => window.received.push({ text: new TextDecoder().decode(payload), from: from?.id, reliable }));
  });
  await patient.evaluate(async () => {
    const { room } = window.consilium;
    const [other] = room.remoteParticipants.values();
    const bytes = (text) => new TextEncoder().encode(text);
    await room.sendData(bytes('to all'));
    await room.sendData(bytes('to one'), { to: other });
    await room.sendData(bytes('lossy'), { reliable: false });
  });
  await doctor.waitFor(() => window.received.length >= 3, 'three messages');
  const received = await doctor.evaluate(() => window.received.sort((a, b) => a.text.localeCompare(b.text)));
  const from = await patient.evaluate(() => window.consilium.room.localParticipant.id);
  assert.deepEqual(received, [{ text: 'lossy', from, reliable: false }, { text: 'to all', from, reliable: true }, { text: 'to one', from, reliable: true }]);
  const refused = await patient.evaluate(() => window.consilium.room.sendData(new Uint8Array(65536)).catch((e) => e.code));
  assert.equal(refused, 'too_large');
  calm();
});

test('signaling lost for seconds: media goes on, nobody is gone, what was missed is made up for', async () => {
  const id = await patient.evaluate(() => {
    const { room } = window.consilium;
    window.gone = 0;
    room.on('participantDisconnected', () => window.gone++);
    return room.localParticipant.id;
  });
  await doctor.evaluate(() => {
    window.gone = 0;
    window.consilium.room.on('participantDisconnected', () => window.gone++);
  });
  await patient.evaluate(() => {
    window.reconnected = 0;
    window.consilium.on('reconnected', () => window.reconnected++);
    window.consilium.simulateSignalLoss(3000);
  });
  await patient.waitFor(() => !document.getElementById('banner').hidden, 'showing the banner');
  await doctor.waitFor(() => [...window.consilium.room.remoteParticipants.values()][0].connected === false, 'told of the lost connection');
  const before = await patient.inbound();
  // While it is away: the doctor writes, the patient mutes. Neither reaches the other yet.
  await doctor.evaluate(() => window.consilium.room.sendChat('are you there?'));
  await patient.evaluate(() => window.consilium.room.localParticipant.setMicrophoneEnabled(false));
  await patient.waitFor(() => window.reconnected === 1, 'reconnected');
  const afterwards = await patient.inbound();
  for (const [mid, { packets }] of Object.entries(before)) {
    // A packet or two are what prepared a slot that is not used.
    if (packets > 10) assert.ok(afterwards[mid].packets > packets, `media went on in slot ${mid}: ${packets} → ${afterwards[mid].packets}`);
  }
  await patient.waitFor(() => window.consilium.room.chat.some((m) => m.text === 'are you there?'), 'the message of the time between');
  await doctor.waitFor(() => [...window.consilium.room.remoteParticipants.values()][0].publication('microphone').muted, 'told of the mute');
  await doctor.waitFor(() => [...window.consilium.room.remoteParticipants.values()][0].connected, 'told that it is back');
  assert.equal(await patient.evaluate(() => window.gone), 0);
  assert.equal(await doctor.evaluate(() => window.gone), 0);
  assert.equal(await patient.evaluate(() => window.consilium.room.localParticipant.id), id, 'the same participant');
  await patient.waitFor(() => document.getElementById('banner').hidden, 'rid of the banner');
  await patient.click('#control-microphone');
  await doctor.waitFor(() => ![...window.consilium.room.remoteParticipants.values()][0].publication('microphone').muted, 'hearing again');
  calm();
});

test('a raised hand shows with the other', async () => {
  await patient.click('#control-hand');
  await doctor.waitFor(() => document.querySelector('.tile:not(.own) .badge.hand'), 'seeing the hand');
  await patient.click('#control-hand');
  await doctor.waitFor(() => !document.querySelector('.tile:not(.own) .badge.hand'), 'seeing it lowered');
  calm();
});

test('a reload comes back as a new participant, and is heard and seen', async () => {
  await patient.page.reload();
  await patient.waitFor(() => window.consilium?.room?.localParticipant.id, 'joined again');
  await doctor.waitFor(() => window.consilium.room.remoteParticipants.size === 1, 'seeing one other');
  await Promise.all([doctor.seesVideos(1), patient.seesVideos(1)]);
  patient.takeErrors();
  calm();
});

test('a locked room refuses, with words', async () => {
  await doctor.choose('#room-menu', 'lock');
  await patient.waitFor(() => !document.getElementById('room-locked').hidden, 'told of the lock');
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  await page.goto(`${server.url}/?room=${room}&name=Late&role=patient&autojoin=1&lang=en`);
  await page.waitForFunction(() => document.getElementById('start-error').textContent === 'The room is locked.');
  assert.equal(await page.evaluate(() => document.getElementById('start').hidden), false);
  await context.close();
  await doctor.choose('#room-menu', 'lock');
  await patient.waitFor(() => document.getElementById('room-locked').hidden, 'told that it is open');
  calm();
});

test('the loudspeaker: chosen in the call, kept for who comes later', async () => {
  await doctor.choose('#room-menu', 'devices');
  await doctor.page.waitForSelector('dialog [name="audiooutput"]');
  const ids = await doctor.evaluate(() => [...document.querySelectorAll('dialog [name="audiooutput"] option')].map((o) => o.value));
  assert.ok(ids.length > 1, `${ids.length} loudspeakers`);
  await doctor.screenshot('call-devices');
  await doctor.page.select('dialog [name="audiooutput"]', ids.at(-1));
  await doctor.waitFor((id) => [...document.querySelectorAll('#sounds audio')].every((a) => a.sinkId === id), 'playing there', {}, ids.at(-1));
  await doctor.click('dialog [data-action="close-dialog"]');
  const late = await Member.join(browser, server.url, { room, name: 'Late', role: 'interpreter' }, { camera: '0' });
  await doctor.waitFor((id) => document.querySelectorAll('#sounds audio').length === 2 && [...document.querySelectorAll('#sounds audio')].every((a) => a.sinkId === id && !a.paused), 'hearing both there', {}, ids.at(-1));
  await doctor.choose('#room-menu', 'devices');
  await doctor.page.waitForSelector('dialog [name="audiooutput"]');
  assert.equal(await doctor.evaluate(() => document.querySelector('dialog [name="audiooutput"]').value), ids.at(-1), 'the dialog says so');
  await doctor.click('dialog [data-action="close-dialog"]');
  await late.close();
  await doctor.waitFor(() => window.consilium.room.remoteParticipants.size === 1, 'of two again');
  calm();
});

test('picture in picture, and back', async () => {
  assert.ok(await doctor.evaluate(() => document.pictureInPictureEnabled), 'this browser has it');
  const tile = '.tile.camera:not(.own)';
  await doctor.page.hover(tile);
  await doctor.choose(`${tile} .tile-menu`, 'pip');
  await doctor.waitFor((t) => document.pictureInPictureElement === document.querySelector(`${t} video`), 'in a window of its own', {}, tile);
  await doctor.page.hover(tile);
  await doctor.choose(`${tile} .tile-menu`, 'pip');
  await doctor.waitFor(() => document.pictureInPictureElement === null, 'back in the page');
  await doctor.seesVideos(1);
  calm();
});

test('who is removed sees why; the others see it go', async () => {
  await doctor.choose('.tile:not(.own) .tile-menu', 'remove');
  await doctor.click('dialog [data-action="confirm"]');
  await patient.waitFor(() => document.getElementById('ended').dataset.reason === 'kicked' && !document.getElementById('ended').hidden, 'at the end page');
  assert.equal(await patient.evaluate(() => document.getElementById('ended-title').textContent), 'You were removed from the consultation');
  assert.equal(await patient.evaluate(() => window.consilium.room.localParticipant.isEnabled('camera')), false, 'devices let go');
  await doctor.waitFor(() => window.consilium.room.remoteParticipants.size === 0, 'alone');
  await doctor.waitFor(() => document.querySelector('.invitation'), 'showing the invitation');
  calm();
});

test('the end for everyone', async () => {
  const other = await Member.join(browser, server.url, { room, name: 'Ms. Li', role: 'patient' });
  await doctor.waitFor(() => window.consilium.room.remoteParticipants.size === 1, 'seeing the other');
  await doctor.choose('#room-menu', 'end');
  await doctor.click('dialog [data-action="confirm"]');
  for (const member of [doctor, other]) {
    await member.waitFor(() => document.getElementById('ended').dataset.reason === 'closed' && !document.getElementById('ended').hidden, 'at the end page');
  }
  assert.deepEqual(other.takeErrors(), []);
  calm();
});
