// tests/system/roles.test.mjs: every role × every request, held to the table of signaling/PROTOCOL.md, section 10. What is
// forbidden is answered so and changes nothing for anybody.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { makeOffer } from './lib/offer.mjs';
import { rights } from './lib/page.mjs';
import { end, Server } from './lib/server.mjs';
import { mint, SECRET_ARGS } from './lib/token.mjs';

const ROLES = ['doctor', 'patient', 'interpreter', 'observer', 'admin'];

let server;
let sdp;

before(async () => {
  server = await Server.start({ args: SECRET_ARGS });
  sdp = await makeOffer();
});

after(() => end(server));

const promised = rights();

/** A room with a host, a patient who publishes, and the one whose role is tried. */
async function scene(name, role, { joins = true } = {}) {
  const room = `roles-${name}-${role}`.replaceAll(/[^\w-]/g, '');
  const host = await Client.join(server, { room, name: 'Host', role: 'doctor', identity: `host-${room}` });
  const patient = await Client.join(server, { room, name: 'Patient', role: 'patient', identity: 'patient' });
  await patient.request('offer', { sdp });
  const { tracks } = await patient.request('publish', { tracks: [{ mid: '0', source: 'microphone' }] });
  const actor = await Client.hello(server, { token: mint({ room, name: 'Actor', identity: `actor-${room}`, role, calls: true }) });
  if (joins) {
    await actor.join();
    await actor.request('offer', { sdp });
  }
  await Promise.all([host.settled(), patient.settled()]);
  for (const client of [host, patient, actor]) client.forget();
  return { room, host, patient, actor, microphone: tracks[0].track, all: [host, patient, actor] };
}

/** What must not change when something is refused. */
async function picture({ room, host, patient }) {
  const { participants, hidden, locked, tracks } = await server.room(room);
  const people = participants.map(({ participant, name, handRaised, connected, tracks: own }) => ({ participant, name, handRaised, connected, tracks: own.map((t) => [t.track, t.muted]) }));
  await Promise.all([host.settled(), patient.settled()]);
  return { people, hidden, locked, tracks, told: [...host.untaken, ...patient.untaken] };
}

/** Somebody who waits for the room, and the id in its queue. */
async function waits({ room, host }) {
  const client = await Client.join(server, { token: mint({ room, name: 'Waits', wait: true }) });
  const { waiting } = await host.event('waitingAdded');
  return { client, waiting };
}

/** A call of the host that rings at the actor; none where it cannot. */
async function ringing({ host, actor }, may) {
  const { call } = await host.request('invite', { to: [actor.welcome.identity] });
  if (may) await actor.event('incomingCall');
  host.forget();
  return call;
}

/** Publishes something of the actor's own, where it may. */
async function ownTrack({ actor }) {
  const { tracks } = await actor.request('publish', { tracks: [{ mid: '0', source: 'microphone' }] });
  return tracks[0].track;
}

/** Each request of the table: how it is made, and what shows that it was done. */
const TRIES = {
  hello: { make: () => ['hello', { version: 1, token: 'x' }], refused: 'bad_request' }, // a second one; the first was ok
  check: { make: (s) => ['check', { room: s.room }] },
  join: { joins: false, make: () => ['join', {}] },
  leave: { make: () => ['leave', {}] },
  offer: { make: () => ['offer', { sdp }] },
  candidate: { make: () => ['candidate', { candidate: '' }] },
  view: { make: (s) => ['view', { requests: [{ track: s.microphone, width: 0, height: 0, visible: false }] }] },
  ping: { make: () => ['ping', {}] },
  publish: { make: () => ['publish', { tracks: [{ mid: '1', source: 'camera' }] }], done: (s) => s.host.event('trackPublished') },
  unpublish: { make: async (s, may) => ['unpublish', { tracks: [may ? await ownTrack(s) : s.microphone] }], done: (s) => s.host.event('trackUnpublished') },
  'mute (own)': { make: async (s, may) => ['mute', { track: may ? await ownTrack(s) : s.microphone, muted: true }], done: (s) => s.host.event('trackMuted') },
  chat: { make: () => ['chat', { text: 'hello' }], done: (s) => s.patient.event('chat') },
  setName: { make: () => ['setName', { name: 'Another' }], done: (s) => s.patient.event('participantUpdated', (m) => m.participant.name === 'Another') },
  raiseHand: { make: () => ['raiseHand', { raised: true }], done: (s) => s.patient.event('participantUpdated', (m) => m.participant.handRaised) },
  kick: {
    make: (s) => ['kick', { participant: s.patient.id, reason: 'r' }],
    async done(s) {
      assert.equal((await s.patient.event('kicked')).reason, 'r');
      assert.equal(await s.patient.closeCode(), 4001);
      assert.equal((await s.host.event('participantLeft')).reason, 'kicked');
    },
  },
  lock: { make: () => ['lock', { locked: true }], done: (s) => s.patient.event('roomLocked', (m) => m.locked) },
  close: {
    make: () => ['close', {}],
    async done(s) {
      await Promise.all([s.host, s.patient].map((c) => c.event('closed')));
      assert.deepEqual(await Promise.all([s.host, s.patient, s.actor].map((c) => c.closeCode())), [4002, 4002, 4002]);
      assert.equal(await server.room(s.room), null);
    },
  },
  "mute (others' microphones)": {
    make: (s) => ['mute', { track: s.microphone, muted: true }],
    async done(s) {
      assert.equal((await s.patient.event('trackMuted')).track, s.microphone);
      assert.equal(await s.actor.refusal('mute', { track: s.microphone, muted: false }), 'forbidden', 'only the owner unmutes');
    },
  },
  signal: { make: () => ['signal', { attempt: 1, candidate: { candidate: '', sdpMid: '0' } }] },
  directState: { make: () => ['directState', { attempt: 1, state: 'connected' }] },
  invite: { joins: false, make: (s) => ['invite', { to: [s.host.welcome.identity] }], done: (s) => s.actor.event('callEnded', (m) => m.reason === 'busy') },
  accept: { joins: false, make: async (s, may) => ['accept', { call: await ringing(s, may) }], done: (s) => s.host.event('callAccepted') },
  decline: { joins: false, make: async (s, may) => ['decline', { call: await ringing(s, may) }], done: (s) => s.host.event('callDeclined') },
  cancel: { joins: false, make: async (s, may) => ['cancel', { call: may ? (await s.actor.request('invite', { to: ['nobody'] })).call : await ringing(s, false) }] },
  admit: {
    async make(s) {
      s.waiter = await waits(s);
      return ['admit', { waiting: s.waiter.waiting }];
    },
    done: (s) => s.waiter.client.event('admitted'),
  },
  admitAll: {
    async make(s) {
      s.waiter = await waits(s);
      return ['admitAll', {}];
    },
    done: (s) => s.waiter.client.event('admitted'),
  },
  declineWaiting: {
    async make(s) {
      s.waiter = await waits(s);
      return ['declineWaiting', { waiting: s.waiter.waiting }];
    },
    done: (s) => s.waiter.client.event('waitDeclined'),
  },
  sendBack: { make: (s) => ['sendBack', { participant: s.patient.id }], done: (s) => s.patient.event('sentBack') },
  setPolicy: { make: () => ['setPolicy', { patientsWait: true }], done: (s) => s.patient.event('policyChanged', (m) => m.policy.patientsWait) },
  checkUser: { make: () => ['checkUser', { identity: 'patient' }] },
  createGuestLink: { make: () => ['createGuestLink', { role: 'patient' }] },
  revokeGuestLink: { make: async (s, may) => ['revokeGuestLink', { link: (await (may ? s.actor : s.host).request('createGuestLink', { role: 'patient' })).link }] },
  'join a locked room': {
    joins: false,
    async make(s) {
      await s.host.request('lock', { locked: true });
      await s.patient.event('roomLocked');
      return ['join', {}];
    },
    refused: 'room_locked',
  },
  'join hidden': { joins: false, make: () => ['join', { hidden: true }] },
};

test('the table names every request that is tried here, and the other way round', () => {
  assert.deepEqual([...promised.keys()].sort(), Object.keys(TRIES).sort());
});

for (const [name, { make, done, joins = true, refused = 'forbidden' }] of Object.entries(TRIES)) {
  test(name, async (t) => {
    for (const role of ROLES) {
      const may = promised.get(name)?.[role];
      await t.test(`${role}: ${may}`, async () => {
        const s = await scene(name, role, { joins });
        try {
          const allowed = may !== '–' && name !== 'hello';
          const [type, fields] = await make(s, allowed);
          if (allowed) {
            await s.actor.request(type, fields);
            await done?.(s);
          } else {
            const beforehand = await picture(s);
            assert.equal(await s.actor.refusal(type, fields), refused);
            assert.deepEqual(await picture(s), beforehand);
            assert.equal(await s.actor.refusal('check', { room: s.room }).then((r) => r.startsWith('ok')), true, 'the session lives');
          }
        } finally {
          for (const client of s.all) client.socket.terminate();
        }
      });
    }
  });
}

test('nobody hears of a hidden one, whatever it does', async () => {
  const room = 'roles-hidden';
  const host = await Client.join(server, { room, name: 'Host', role: 'doctor' });
  const observer = await Client.join(server, { room, name: 'Observer', role: 'observer' });
  const admin = await Client.join(server, { room, name: 'Admin', role: 'admin' }, { hidden: true });
  await admin.request('offer', { sdp });
  for (const hidden of [observer, admin]) {
    assert.deepEqual(hidden.room.participants.map((p) => p.participant), [host.id, hidden.id], 'itself, but no other hidden one');
    assert.equal(await host.refusal('kick', { participant: hidden.id }), 'participant_not_found');
    assert.equal(await host.refusal('chat', { text: 'psst', to: hidden.id }), 'participant_not_found');
  }
  // Whatever would show it is refused to it, even with an admin's rights.
  assert.equal(await admin.refusal('chat', { text: 'x' }), 'forbidden');
  assert.equal(await admin.refusal('raiseHand', { raised: true }), 'forbidden');
  assert.equal(await admin.refusal('publish', { tracks: [{ mid: '0', source: 'microphone' }] }), 'forbidden');
  assert.equal((await host.request('check', { room })).participants, 1);
  await host.request('chat', { text: 'to all' });
  assert.equal((await observer.event('chat')).text, 'to all');
  await observer.request('leave');
  await admin.request('leave');
  await host.settled();
  assert.deepEqual(host.untaken, []);
});

/** Every request but hello and ping, well formed. */
const REQUESTS = {
  check: { room: 'a' }, join: {}, leave: {}, offer: { sdp: 'x' }, candidate: { candidate: '' }, view: { requests: [] }, publish: { tracks: [{ mid: '0', source: 'camera' }] },
  unpublish: { tracks: ['t_1'] }, mute: { track: 't_1', muted: true }, chat: { text: 'x' }, setName: { name: 'n' }, raiseHand: { raised: true }, kick: { participant: 'p_1' },
  lock: { locked: true }, close: {}, signal: { attempt: 1, description: { type: 'offer', sdp: 'x' } }, directState: { attempt: 1, state: 'failed' }, admit: { waiting: 'w_1' },
  admitAll: {}, declineWaiting: { waiting: 'w_1' }, sendBack: { participant: 'p_1' }, setPolicy: { topology: 'never' }, invite: { to: ['x'] }, accept: { call: 'c_1' },
  decline: { call: 'c_1' }, cancel: { call: 'c_1' }, checkUser: { identity: 'x' }, createGuestLink: { role: 'patient' }, revokeGuestLink: { link: 'g_1' },
};
const WITHOUT_ROOM = new Set(['check', 'join', 'setName', 'invite', 'accept', 'decline', 'cancel', 'checkUser']);

test('before hello nothing is answered but hello', async () => {
  assert.deepEqual([...new Set([...promised.keys()].map((k) => k.split(' ')[0]))].filter((k) => !(k in REQUESTS)), ['hello', 'ping']);
  const stranger = await Client.open(server.url);
  for (const [type, fields] of Object.entries({ ...REQUESTS, ping: {} })) assert.equal(await stranger.refusal(type, fields), 'not_authenticated', type);
  await stranger.close();
});

test('before join, and while waiting, nothing that needs a room', async () => {
  for (const wait of [false, true]) {
    const guest = await Client.hello(server, { token: mint({ room: 'roles-early', role: wait ? 'patient' : 'doctor', wait }) });
    if (wait) assert.equal((await guest.request('join')).waiting, true);
    for (const [type, fields] of Object.entries({ ...REQUESTS, offer: { sdp } })) {
      if (WITHOUT_ROOM.has(type) || (wait && type === 'leave')) continue;
      const wanted = wait && promised.get(type)?.patient === '–' ? 'forbidden' : 'not_joined';
      assert.equal(await guest.refusal(type, fields), wanted, `${type} ${wait ? 'while waiting' : 'before join'}`);
    }
    if (!wait) {
      await guest.join();
      assert.equal(await guest.refusal('join', {}), 'already_joined');
    }
    await guest.request('leave');
    await guest.close();
  }
});

test("another room's things do not exist here", async () => {
  const there = await scene('there', 'doctor');
  const here = await Client.join(server, { room: 'roles-here', name: 'Here', role: 'doctor' });
  assert.equal(await here.refusal('mute', { track: there.microphone, muted: true }), 'track_not_found');
  assert.equal(await here.refusal('kick', { participant: there.patient.id }), 'participant_not_found');
  assert.equal(await here.refusal('chat', { text: 'x', to: there.patient.id }), 'participant_not_found');
  assert.equal(await here.refusal('unpublish', { tracks: [there.microphone] }), 'track_not_found');
  assert.equal(await here.refusal('check', { room: there.room }), 'forbidden');
  assert.equal(await here.refusal('check', { room: 'nowhere' }), 'forbidden', 'the same for a room that is not there');
  await here.request('view', { requests: [{ track: there.microphone, width: 9, height: 9, visible: true }] });
  assert.deepEqual((await picture(there)).told, []);
  assert.equal(await there.actor.refusal('unpublish', { tracks: [there.microphone] }), 'track_not_found', "nor another's in one's own room");
});
