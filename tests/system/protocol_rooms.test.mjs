// tests/system/protocol_rooms.test.mjs: the examples of signaling/PROTOCOL.md, sections 12 to 16: the waiting room, the direct
// connection of two, the room's policy, calls and guest links.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from './lib/client.mjs';
import { makeOffer } from './lib/offer.mjs';
import { examples } from './lib/page.mjs';
import { Peer } from './lib/peer.mjs';
import { example, Play, shapeFault } from './lib/play.mjs';
import { end, Server } from './lib/server.mjs';
import { mint, SECRET_ARGS } from './lib/token.mjs';

let server;
/** Who speaks on the page, and who is spoken to. */
let lee;
let maria;
let interpreter;
const peers = [];

const hello = (fields) => Client.hello(server, { token: mint({ room: 'visit-2', ...fields }) });
const join = async (fields) => {
  const client = await hello(fields);
  await client.join();
  return client;
};

before(async () => {
  server = await Server.start({ args: [...SECRET_ARGS, '--set', 'turn.secret=0123456789abcdef', '--set', 'turn.urls=turn:turn.example.org:3478'] });
  lee = await join({ identity: 'dr-lee', name: 'Dr. Lee', role: 'doctor' });
});

after(async () => {
  await Promise.all(peers.map((p) => p.leave()));
  await end(server);
});

/** Somebody new who waits; returns the client, and its id in the queue. */
async function waiter(identity) {
  const client = await join({ identity, name: 'Waits', role: 'patient', wait: true }).catch(async (error) => assert.fail(error));
  const { waiting } = await lee.event('waitingAdded', (m) => m.identity === identity);
  return { client, waiting };
}

const WAITING = example('event', 'waitingAdded').waiting;
const CALL = example('event', 'callRinging').call;

const BEFORE = {
  // ---- 12
  async 'request-waiting join'() {
    maria = await hello({ identity: 'pat-12', name: 'Maria K.', role: 'patient', wait: true });
  },
  async 'request admit'() {
    play.known.set(WAITING, (await waiter('pat-to-admit')).waiting);
  },
  async 'request admitAll'() {
    for (const name of ['x', 'y', 'z']) await waiter(name);
  },
  async 'request sendBack'() {
    maria = await join({ identity: 'pat-sent-back', name: 'Maria K.', role: 'patient' });
    play.known.set(example('event', 'participantJoined').participant.participant, maria.id);
  },
  // ---- 13
  async 'request signal'() {
    play.known.set('SDP', await makeOffer());
  },
  // ---- 15
  async 'request invite'() {
    lee = await hello({ room: 'visit-4', identity: 'dr-lee-4', name: 'Dr. Lee', role: 'doctor' });
    maria = await hello({ room: undefined, identity: 'pat-77', name: 'Maria K.', role: 'patient', calls: true });
    interpreter = await hello({ room: undefined, identity: 'interpreter-3', role: 'interpreter', calls: true });
    assert.equal(maria.welcome.room, '', 'the lobby');
  },
  async 'request cancel'() {
    play.known.set(CALL, (await lee.request('invite', { to: ['interpreter-3'] })).call);
    await interpreter.event('incomingCall');
  },
  // ---- 16
  'request createGuestLink': () => lee.join(),
};

const CAUSES = {
  // ---- 12
  async waitingState() {
    await join({ identity: 'somebody', name: 'Treated', role: 'patient' });
    return maria.event('waitingState', (m) => m.doctor.busy);
  },
  async admitted() {
    const { waiting } = await lee.event('waitingAdded', (m) => m.identity === 'pat-12');
    await lee.request('admit', { waiting });
    const told = await maria.event('admitted');
    await maria.join();
    return told;
  },
  async waitDeclined() {
    const { client, waiting } = await waiter('declined');
    await lee.request('declineWaiting', { waiting, reason: 'Please come back at three.' });
    assert.equal(await client.refusal('join', {}), 'rate_limited', 'not before ten seconds have passed');
    return client.event('waitDeclined');
  },
  async waitingAdded() {
    lee.forget();
    await hello({ identity: 'added', name: 'Added', role: 'patient', wait: true }).then((c) => c.request('join'));
    return lee.event('waitingAdded');
  },
  async waitingRemoved() {
    const { client } = await waiter('removed');
    await client.request('leave');
    return lee.event('waitingRemoved', (m) => m.reason === 'left');
  },
  sentBack: () => maria.event('sentBack'),
  // ---- 13
  async direct() {
    for (const [identity, role] of [['dr-13', 'doctor'], ['pat-13', 'patient']]) peers.push(await Peer.join(server, { room: 'visit-3', name: identity, identity, role }, { camera: null, topology: 'auto', token: mint({ room: 'visit-3', identity, role }) }));
    [lee, maria] = peers.map((p) => p.client);
    await maria.event('direct');
    return lee.event('direct');
  },
  async signal() {
    await maria.event('signal', (m) => m.description?.type === 'offer');
    await maria.request('signal', { attempt: play.known.get('attempt'), description: { type: 'answer', sdp: await makeOffer() } });
    return lee.event('signal');
  },
  async topology() {
    await maria.event('signal', (m) => m.candidate);
    for (const client of [lee, maria]) await client.request('directState', { attempt: play.known.get('attempt'), state: 'connected', pair: 'host' });
    await maria.event('topology', (m) => m.topology === 'p2p');
    return lee.event('topology');
  },
  async topologyChanging() {
    const third = await join({ room: 'visit-3', identity: 'third', role: 'interpreter' });
    const told = await lee.event('topologyChanging');
    for (const client of [lee, maria]) await client.request('directState', { attempt: play.known.get('attempt'), state: 'swapped' });
    for (const client of [lee, maria, third]) assert.equal(shapeFault(example('event', 'topology'), await client.event('topology', (m) => m.topology === 'sfu'), 'event'), null);
    return told;
  },
  // ---- 14
  policyChanged: () => maria.event('policyChanged'),
  // ---- 15
  callRinging: () => lee.event('callRinging', (m) => m.to === 'pat-77'),
  async callAccepted() {
    const { call } = await maria.event('incomingCall');
    await maria.request('accept', { call, video: false });
    return lee.event('callAccepted');
  },
  async callDeclined() {
    const { call } = await interpreter.event('incomingCall');
    await interpreter.request('decline', { call, reason: 'with another patient' });
    return lee.event('callDeclined');
  },
  async incomingCall() {
    await lee.request('invite', { to: ['interpreter-3'], message: 'Your results are here', video: true });
    return interpreter.event('incomingCall');
  },
  async callEnded() {
    assert.equal((await interpreter.event('callEnded', (m) => m.reason === 'answered')).to, undefined);
    return lee.event('callEnded', (m) => m.to.length === 2);
  },
  async callSync() {
    await lee.request('invite', { to: ['pat-offline'] });
    const { session, resumeKey: key } = lee.welcome;
    await lee.cut();
    lee = await Client.open(server.url);
    lee.welcome = await lee.request('hello', { version: 1, resume: { session, key } });
    return lee.event('callSync');
  },
};

const CALLEES = new Set(['accept', 'decline']);
const play = new Play({
  speaker: (kind, name) => (kind === 'request-waiting' ? maria : CALLEES.has(name) ? interpreter : lee),
  before: BEFORE, causes: CAUSES,
});

test('the page is played', { timeout: 60_000 }, async (t) => {
  await play.run(t, examples.filter((b) => b.section >= 12));
});
