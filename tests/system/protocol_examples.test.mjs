// tests/system/protocol_examples.test.mjs: every example of signaling/PROTOCOL.md played against the server, in order: requests
// are sent as they stand (ids and the SDP put in), and what comes back must have the documented keys and types.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { makeOffer, onlyVideoCodec } from './lib/offer.mjs';
import { comingRequests, errorCodes, examples as blocks, rights, withoutInfoWords } from './lib/page.mjs';
import { Peer } from './lib/peer.mjs';
import { end, Server } from './lib/server.mjs';

const room = 'visit-1';
/** Fields that a message may have or not. */
const OPTIONAL = new Set(['width', 'height', 'to', 'by', 'reason', 'username', 'credential', 'policy', 'waiting', 'direct']);

let server;
/** Who speaks on the page. */
let lee;
/** @type {Peer} */ let maria;
let novak;
/** Ids of the page and what they are now. */
const known = new Map();

before(async () => {
  const settings = ['rooms.max_participants=20', 'rooms.video_codecs=VP8,VP9', 'turn.secret=0123456789abcdef', 'turn.urls=turn:turn.example.org:3478', 'limits.drain_seconds=30'];
  server = await Server.start({ args: settings.flatMap((s) => ['--set', s]) });
});

after(async () => {
  await maria?.leave();
  server?.child.kill('SIGTERM'); // the second one: `draining` took the first
  await end(server, { killed: 1 });
});

// ---- shapes ----------------------------------------------------------------------------------------------------------

const example = (kind, name) => blocks.find((b) => b.kind === kind && b.name === name).message;
/** What stands in an array that the examples show empty. */
const ELEMENTS = {
  participants: () => [example('event', 'participantJoined').participant],
  tracks: () => [example('event', 'trackPublished').track],
  chat: () => [(({ event, ...rest }) => rest)(example('event', 'chat'))],
  slots: () => example('event', 'slots').slots,
};

function shapeFault(documented, actual, path) {
  if (Array.isArray(documented)) {
    if (!Array.isArray(actual)) return `${path}: ${JSON.stringify(actual)} is no array`;
    const models = documented.length ? documented : (ELEMENTS[path.split('.').pop()]?.() ?? []);
    for (const [i, element] of actual.entries()) {
      const faults = models.map((m) => shapeFault(m, element, `${path}[${i}]`));
      if (faults.every(Boolean)) return faults[0] ?? `${path}: an element of unknown shape`;
    }
    return null;
  }
  if (documented === null || typeof documented !== 'object') {
    const same = documented === null ? actual === null : typeof documented === typeof actual;
    return same ? null : `${path}: documented ${JSON.stringify(documented)}, is ${JSON.stringify(actual)}`;
  }
  if (actual === null || typeof actual !== 'object' || Array.isArray(actual)) return `${path}: ${JSON.stringify(actual)} is no object`;
  for (const key of new Set([...Object.keys(documented), ...Object.keys(actual)])) {
    if (!(key in documented) || !(key in actual)) {
      if (OPTIONAL.has(key)) continue;
      return `${path}.${key}: ${key in actual ? `not documented: ${JSON.stringify(actual[key])}` : 'is missing'}`;
    }
    const fault = shapeFault(documented[key], actual[key], `${path}.${key}`);
    if (fault) return fault;
  }
  return null;
}

/** Remembers which of the page's ids stand for which of now. */
function learn(documented, actual) {
  if (typeof documented === 'string' && (/^[sptm]_\w{32}$/.test(documented) || /^[0-9a-f]{64}$/.test(documented))) known.set(documented, actual);
  if (documented === null || typeof documented !== 'object' || actual === null || typeof actual !== 'object') return;
  for (const key of Object.keys(documented)) if (key in actual) learn(documented[key], actual[key]);
}

function filled(value) {
  if (typeof value === 'string') return known.get(value) ?? value;
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(filled);
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, filled(v)]));
}

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

test('every example has its info words, and every request and event of the page an example', () => {
  assert.equal(withoutInfoWords, 0);
  const requests = new Set(blocks.filter((b) => b.kind === 'request').map((b) => b.name));
  const named = [...rights().keys()].map((name) => name.split(' ')[0]);
  assert.deepEqual(named.filter((n) => !requests.has(n)), []);
  for (const b of blocks) if (b.kind === 'event') assert.ok(CAUSES[b.name], `no cause for the event ${b.name}`);
});

test('what is called coming is not there yet', async () => {
  const client = await Client.hello(server, { room: 'coming', name: 'Early', role: 'doctor' });
  for (const { message, section } of comingRequests) {
    const { error } = await client.exchange(message);
    assert.equal(error?.code, 'unknown_type', `section ${section} has arrived: see COMING in lib/page.mjs`);
  }
  await client.close();
});

test('the page is played', { timeout: 60_000 }, async (t) => {
  let reply;
  for (const { kind, name, message, line } of blocks) {
    await t.test(`line ${line}: ${kind} ${name}`, async () => {
      if (kind.startsWith('request')) {
        await BEFORE[`${kind} ${name}`]?.();
        reply = await lee.exchange(filled(message));
        if (kind === 'request-resume') {
          const documented = example('reply', 'hello');
          assert.equal(shapeFault(documented, reply, 'reply'), null);
          assert.equal(reply.ok.resumed, true);
          assert.deepEqual([reply.ok.session, reply.ok.resumeKey], [documented.ok.session, documented.ok.resumeKey].map(filled));
        }
        if (name === 'hello') lee.welcome = reply.ok;
      } else if (kind === 'reply' || kind === 'error') {
        assert.equal(shapeFault(message, reply, 'reply'), null);
        if (kind === 'error') {
          assert.equal(reply.error.code, message.error.code);
          assert.ok(errorCodes.includes(reply.error.code));
        }
        learn(message, reply);
      } else {
        const actual = await CAUSES[name]();
        assert.equal(shapeFault(message, actual, 'event'), null);
        learn(message, actual);
      }
    });
  }
});
