// tests/system/direct.test.mjs: the server's half of the direct connection of two, with real media over the server: what flows
// when, and what clients that lie or repeat themselves can do to the numbers. (The connection itself: tests/browser.)

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

const COLOURS = { Anna: 60, Ben: 160, Third: 250 };
const enter = (room, name) => Peer.join(server, { room, name, identity: name, role: name === 'Ben' ? 'patient' : 'doctor' }, { camera: { colour: COLOURS[name], fps: 15 }, topology: 'auto' });
const say = (peer, attempt, state, fields = {}) => peer.client.request('directState', { attempt, state, ...fields });

/** The value of one sample of /metrics, 0 when there is none. */
async function metric(name, labels = {}) {
  const text = await (await server.api('/metrics')).text();
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) && Object.entries(labels).every(([k, v]) => line.includes(`${k}="${v}"`)));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

/** Nothing more comes to this one. */
const silent = (peer) => until(async () => {
  const { packets } = await peer.received();
  await pause(300);
  return (await peer.received()).packets === packets;
}, 'silence');

test('two go direct: the server forwards nothing; a third comes: it forwards again as soon as they say that they send', { timeout: 60_000 }, async () => {
  const [anna, ben] = [await enter('switch', 'Anna'), await enter('switch', 'Ben')];
  let third;
  try {
    await Promise.all([anna.perceives(ben), ben.perceives(anna)]);
    const { attempt } = await anna.client.event('direct');
    await ben.client.event('direct', (m) => m.attempt === attempt);
    await Promise.all([anna, ben].map((p) => say(p, attempt, 'connected', { pair: 'host', gapMs: 34 })));
    await Promise.all([anna, ben].map((p) => p.client.event('topology', (m) => m.topology === 'p2p' && m.attempt === attempt)));
    await Promise.all([silent(anna), silent(ben)]); // though both go on sending
    third = await enter('switch', 'Third');
    for (const p of [anna, ben]) assert.equal((await p.client.event('topologyChanging')).reason, 'room');
    await Promise.all([anna, ben].map((p) => say(p, attempt, 'sending')));
    await Promise.all([third.perceives(anna), third.perceives(ben), anna.perceives(third), ben.perceives(third), anna.perceives(ben), ben.perceives(anna)]);
    await Promise.all([anna, ben].map((p) => say(p, attempt, 'swapped', { gapMs: 67 })));
    for (const p of [anna, ben, third]) assert.equal((await p.client.event('topology', (m) => m.topology === 'sfu')).forced, undefined);
    assert.deepEqual(anna.client.log.filter((m) => m.event === 'topology').map((m) => m.topology), ['p2p', 'sfu'], 'one event for each change');
    await until(async () => (await metric('consilium_topology_gap_seconds_count', { to: 'sfu' })) === 2, 'two gaps');
    assert.equal(await metric('consilium_topology_switches_total', { to: 'direct', outcome: 'connected' }), 1);
    assert.equal(await metric('consilium_topology_switches_total', { to: 'sfu', outcome: 'swapped' }), 1);
    assert.equal(await metric('consilium_topology_gap_seconds_bucket', { to: 'sfu', le: '0.067' }), 2);
    assert.equal(await metric('consilium_topology_gap_seconds_bucket', { to: 'sfu', le: '0.05' }), 0);
  } finally {
    await Promise.all([anna, ben, third].map((p) => p?.leave()));
  }
});

test('who says nothing is let through after half a second; who never swaps is not waited for', { timeout: 60_000 }, async () => {
  const [anna, ben] = [await enter('quiet', 'Anna'), await enter('quiet', 'Ben')];
  let third;
  try {
    const { attempt } = await anna.client.event('direct');
    await Promise.all([anna, ben].map((p) => say(p, attempt, 'connected')));
    await anna.client.event('topology', (m) => m.topology === 'p2p');
    third = await enter('quiet', 'Third');
    await Promise.all([third.perceives(anna), third.perceives(ben), anna.perceives(ben)]);
    assert.equal((await third.client.event('topology')).forced, true);
    await until(async () => (await metric('consilium_topology_switches_total', { to: 'sfu', outcome: 'timeout' })) === 1, 'counted');
  } finally {
    await Promise.all([anna, ben, third].map((p) => p?.leave()));
  }
});

test('lies about it count once for each side at most, and those of others not at all', { timeout: 60_000 }, async () => {
  const count = () => Promise.all([
    metric('consilium_topology_gap_seconds_count', { to: 'direct' }), metric('consilium_topology_gap_seconds_count', { to: 'sfu' }),
    metric('consilium_direct_pairs_total'), metric('consilium_topology_switches_total', { to: 'direct' }),
  ]);
  const before = await count();
  const [anna, ben] = [await enter('lies', 'Anna'), await enter('lies', 'Ben')];
  let third;
  try {
    const { attempt } = await anna.client.event('direct');
    for (let i = 0; i < 10; i++) {
      await say(anna, attempt, 'connected', { gapMs: 600_000, pair: ['host', 'srflx', 'relay'][i % 3] });
      await say(anna, attempt + 1 + i, 'connected', { gapMs: 1, pair: 'relay' });
      await say(anna, attempt, 'swapped', { gapMs: 5 });
    }
    for (const fields of [{ gapMs: -1 }, { gapMs: 1e12 }, { gapMs: 1.5 }, { gapMs: '9' }, { pair: 'tunnel' }, { pair: 7 }]) {
      assert.equal(await anna.client.refusal('directState', { attempt, state: 'connected', ...fields }), 'bad_request', JSON.stringify(fields));
    }
    for (const wrong of [-1, 0.5, 2 ** 40, 'x']) assert.equal(await anna.client.refusal('directState', { attempt: wrong, state: 'connected' }), 'bad_request', String(wrong));
    third = await enter('lies', 'Third');
    for (let i = 0; i < 5; i++) await say(third, attempt, 'swapped', { gapMs: 100, pair: 'relay' });
    await say(ben, attempt, 'failed'); // as it was: no connection came about
    await Promise.all([anna, ben].map((p) => say(p, attempt, 'swapped')));
    await anna.client.event('topology', (m) => m.topology === 'sfu');
    await until(async () => (await metric('consilium_topology_switches_total', { to: 'direct' })) > before[3], 'counted');
    const now = await count();
    assert.deepEqual(now.map((n, i) => n - before[i]), [1, 0, 1, 1], 'one gap and one pair of Anna, none of the others; one attempt that failed');
    assert.ok((await metric('consilium_topology_gap_seconds_sum', { to: 'direct' })) < 11, 'the mean is not one client\'s to move');
  } finally {
    await Promise.all([anna, ben, third].map((p) => p?.leave()));
  }
});
