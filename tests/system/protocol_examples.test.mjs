// tests/system/protocol_examples.test.mjs: the examples of signaling/PROTOCOL.md, sections 1 to 11, played against the server in order.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { makeOffer, onlyVideoCodec } from './lib/offer.mjs';
import { examples, rights, withoutInfoWords } from './lib/page.mjs';
import { Peer } from './lib/peer.mjs';
import { example, Play, shapeFault } from './lib/play.mjs';
import { end, Server } from './lib/server.mjs';

const room = 'visit-1';
let server;
/** Who speaks on the page. */
let lee;
/** @type {Peer} */ let maria;
let novak;
/** Ids of the page and what they are now. */
let known;

before(async () => {
  const settings = ['rooms.max_participants=20', 'rooms.video_codecs=VP8,VP9', 'turn.secret=0123456789abcdef', 'turn.urls=turn:turn.example.org:3478', 'limits.drain_seconds=30'];
  server = await Server.start({ args: settings.flatMap((s) => ['--set', s]) });
});

after(async () => {
  await maria?.leave();
  server?.child.kill('SIGTERM'); // the second one: `draining` took the first
  await end(server, { killed: 1 });
});

// ---- what others do so that an event comes ------------------------------------------------------------------------------

async function mariaComes() {
  maria = await Peer.join(server, { room, identity: 'pat-77', name: 'Maria K.', role: 'patient' }, { camera: { width: 640, height: 360, fps: 10 }, simulcast: true, slots: { audio: 1, video: 1 } });
}

const CAUSES = {
  async participantJoined() {
    await mariaComes();
    return lee.event('participantJoined');
  },
  async participantUpdated() {
    await maria.client.request('raiseHand', { raised: true });
    return lee.event('participantUpdated', (m) => m.participant.handRaised);
  },
  async participantLeft() {
    await maria.leave();
    return lee.event('participantLeft');
  },
  async negotiate() {
    const odd = await Client.join(server, { room, name: 'Only VP9', role: 'patient' });
    await odd.request('offer', { sdp: onlyVideoCodec(await makeOffer(), 'VP9') });
    const asked = await lee.event('negotiate');
    await odd.request('leave');
    await odd.close();
    return asked;
  },
  async trackPublished() {
    await mariaComes();
    return lee.event('trackPublished', (m) => m.track.source === 'camera');
  },
  async trackMuted() {
    novak = await Client.join(server, { room, name: 'Dr. Novak', role: 'doctor' });
    await novak.request('mute', { track: maria.tracks.microphone, muted: true });
    const told = await lee.event('trackMuted');
    assert.equal(told.by, novak.id);
    await maria.client.request('mute', { track: maria.tracks.microphone, muted: false });
    return told;
  },
  async trackUnpublished() {
    await maria.client.request('unpublish', { tracks: [maria.tracks.camera] });
    return lee.event('trackUnpublished');
  },
  async layersWanted() {
    const { tracks } = await maria.client.request('publish', { tracks: [{ mid: '1', source: 'camera', width: 640, height: 360 }] });
    await lee.request('view', { requests: [{ track: tracks[0].track, width: 160, height: 90, visible: true }] });
    return maria.client.event('layersWanted');
  },
  slots: () => lee.event('slots', (m) => m.slots.some((s) => s.participant === maria.id)),
  async slotsNeeded() {
    await novak.request('offer', { sdp: await makeOffer() });
    await novak.request('publish', { tracks: [{ mid: '0', source: 'microphone' }, { mid: '1', source: 'camera' }] });
    return lee.event('slotsNeeded');
  },
  quality: () => lee.event('quality'),
  speakers: () => lee.event('speakers', (m) => m.speakers.length > 0),
  async chat() {
    await maria.client.request('chat', { text: 'Thank you!' });
    return lee.event('chat');
  },
  roomLocked: () => novak.event('roomLocked'),
  async kicked() {
    await lee.request('kick', { participant: novak.id, reason: 'wrong room' });
    const told = await novak.event('kicked');
    assert.equal(await novak.closeCode(), 4001);
    return told;
  },
  async closed() {
    const [first, second] = [await Client.join(server, { room, name: 'One', role: 'doctor' }), await Client.join(server, { room, name: 'Two', role: 'doctor' })];
    await first.request('close');
    const told = await second.event('closed');
    assert.deepEqual([await first.closeCode(), await second.closeCode()], [4002, 4002]);
    return told;
  },
  async mediaLost() {
    process.kill(server.children().get('worker 0'), 'SIGKILL');
    const told = await lee.event('mediaLost', undefined, 15_000);
    await lee.join();
    return told;
  },
  draining() {
    server.child.kill('SIGTERM');
    return lee.event('draining');
  },
  async sync() {
    const { session, resumeKey: key } = lee.welcome;
    await lee.cut();
    lee = await Client.open(server.url);
    await lee.request('hello', { version: 1, resume: { session, key } });
    return lee.event('sync');
  },
};

/** What has to be so before a request, or is put into it. */
const BEFORE = {
  async 'request hello'() {
    known.set('TOKEN', await server.token({ room, identity: 'dr-lee', name: 'Dr. Lee', role: 'doctor' }));
    lee = await Client.open(server.url);
  },
  async 'request-resume hello'() {
    await lee.cut();
    lee = await Client.open(server.url);
  },
  async 'request offer'() {
    known.set('SDP', await makeOffer());
  },
  async 'request kick'() {
    await maria.client.request('leave');
    await lee.event('participantLeft');
  },
};

// ---- the play ----------------------------------------------------------------------------------------------------------

test('every block says what it is, every request has an example', () => {
  assert.equal(withoutInfoWords, 0);
  const requests = new Set(examples.filter((b) => b.kind === 'request').map((b) => b.name));
  assert.deepEqual([...rights().keys()].map((name) => name.split(' ')[0]).filter((n) => !requests.has(n)), []);
});

test('the page is played', { timeout: 60_000 }, async (t) => {
  const play = new Play({ speaker: () => lee, before: BEFORE, causes: CAUSES });
  known = play.known;
  play.after = (kind, name, reply) => {
    if (name === 'hello') lee.welcome = reply.ok;
    if (kind !== 'request-resume') return;
    const documented = example('reply', 'hello');
    assert.equal(shapeFault(documented, reply, 'reply'), null);
    assert.equal(reply.ok.resumed, true);
    assert.deepEqual([reply.ok.session, reply.ok.resumeKey], play.filled([documented.ok.session, documented.ok.resumeKey]));
  };
  // The event `topology` belongs to section 13: protocol_rooms.test.mjs.
  await play.run(t, examples.filter((b) => b.section < 12 && b.name !== 'topology'));
});
