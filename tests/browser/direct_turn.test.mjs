// tests/browser/direct_turn.test.mjs: two hosts that cannot reach each other talk through Debian's coturn, with the settings of
// conf/coturn.conf and the credentials that the server makes.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, Member } from './lib/browsers.mjs';
import { becomes, changes, noteChanges, packetsBy, seesMoving } from './lib/direct.mjs';
import { colorCamera } from './lib/fakes.mjs';
import { cannot, Hosts } from './lib/hosts.mjs';
import { Server } from './lib/server.mjs';

const SECRET = 'a-secret-of-this-test-and-of-nothing-else';
const skip = cannot('turnserver', 'openssl', 'certutil');

let hosts;
let server;
let turn;
const browsers = {};

before(async () => {
  if (skip) return;
  hosts = new Hosts();
  hosts.block(true);
  turn = await hosts.startTurn(SECRET);
  server = await Server.start({
    address: hosts.address, prefix: hosts.prefix('server'),
    args: [
      `--set=media.address=${hosts.address}`,
      `--set=turn.secret=${SECRET}`,
      `--set=turn.urls=turn:${hosts.address}:3478?transport=udp,turn:${hosts.address}:3478?transport=tcp,turns:${hosts.address}:5349?transport=tcp,turns:${hosts.relayName}:5349?transport=tcp`,
    ],
  });
  for (const host of ['a', 'b']) browsers[host] = await start('chromium', host);
});

const start = (kind, host) =>
  launch(kind, {
    viewport: { width: 640, height: 480 }, wrap: (path) => hosts.wrapper(host, path),
    args: kind === 'chromium' ? ['--ignore-certificate-errors'] : [], // the page's certificate nobody vouches for, the relay's our authority
    ...(kind === 'firefox' && { authority: turn.authority }),
  });

after(async () => {
  await Promise.all(Object.values(browsers).map((b) => b.close()));
  await server?.stop();
  turn?.stop();
  hosts?.close();
});

const join = (host, room, name, color, prepare = async () => {}) =>
  Member.join(browsers[host], server.url, { room, name }, {}, async (page) => {
    await noteChanges(page);
    await colorCamera(page, color);
    await prepare(page);
  });

/** Kinds of the candidates that the page's direct connection told the other, and the stream of each m-line that it described. */
const spyCandidates = (page) =>
  page.evaluateOnNewDocument(() => {
    window.told = [];
    window.streams = [];
    const { send } = WebSocket.prototype;
    WebSocket.prototype.send = function (text) {
      const m = JSON.parse(text);
      if (m.type === 'signal' && m.candidate?.candidate) window.told.push(/ typ (\w+)/.exec(m.candidate.candidate)[1]);
      if (m.type === 'signal' && m.description) window.streams = [...m.description.sdp.matchAll(/^a=msid:(\S+)/gm)].map(([, stream]) => stream);
      if (m.type === 'directState' && m.pair) window.pair = m.pair;
      return send.call(this, text);
    };
  });

/** The ways between the open one and the narrowest. */
const later = !process.env.CONSILIUM_LONG && 'in the long run';

/** Both are direct, through the relay, with pictures. */
async function relayed(ann, bob) {
  for (const [member, other] of [[ann, 'Bob'], [bob, 'Ann']]) {
    await becomes(member, 'p2p');
    await seesMoving(member, other);
    assert.ok((await packetsBy(member, 'p2p')) > 0);
  }
}

test('no way but the relay: it is found', { skip, timeout: 60_000 }, async () => {
  const ann = await join('a', 'relay', 'Ann', 'rgb(200,60,60)', spyCandidates);
  const bob = await join('b', 'relay', 'Bob', 'rgb(60,60,200)', spyCandidates);
  await relayed(ann, bob);
  const pairs = [await ann.evaluate(() => window.pair), await bob.evaluate(() => window.pair)];
  assert.ok(pairs.includes('relay'), `pairs ${pairs}`);
  for (const member of [ann, bob]) { // microphone, camera, screen, screenAudio: what belongs together is played in sync
    const streams = await member.evaluate(() => window.streams);
    assert.deepEqual(streams.map((s) => streams.indexOf(s)), [0, 0, 2, 2], String(streams));
  }
  assert.match(turn.log(), /realm .*user <\d+:s_/, 'coturn knows the user of our credentials');
  await Promise.all([ann.close(), bob.close()]);
});

/** The URL of the relay that this browser's half of the connection goes through, empty when it needs none of its own. */
const relayOf = (member) =>
  member.evaluate(async () => {
    const report = await window.consilium.room.getStats('p2p');
    const transport = [...report.values()].find((r) => r.type === 'transport');
    const local = report.get(report.get(transport.selectedCandidatePairId).localCandidateId);
    return local.candidateType === 'relay' ? local.url : '';
  });

for (const [what, url, shut] of [['TCP', /^turn:.*=tcp$/, ['udp']], ['TLS', /^turns:/, ['udp', 'tcp']]]) {
  test(`a firewall that lets only ${what} through to the relay`, { skip: skip || (what === 'TCP' && later), timeout: 60_000 }, async () => {
    for (const protocol of shut) hosts.shut(protocol, 3478, true);
    const room = `only-${what}`;
    const [ann, bob] = [await join('a', room, 'Ann', 'rgb(200,60,60)'), await join('b', room, 'Bob', 'rgb(60,60,200)')];
    await relayed(ann, bob);
    const relays = [await relayOf(ann), await relayOf(bob)].filter(Boolean);
    assert.ok(relays.length > 0 && relays.every((relay) => url.test(relay)), `by ${relays}`);
    await Promise.all([ann.close(), bob.close()]);
    for (const protocol of shut) hosts.shut(protocol, 3478, false);
  });
}

test('the policy relay: nobody learns an address but the relay’s', { skip, timeout: 60_000 }, async () => {
  const ann = await join('a', 'policy', 'Ann', 'rgb(200,60,60)', spyCandidates);
  await ann.evaluate(() => window.consilium.room.setPolicy({ iceTransportPolicy: 'relay' }));
  hosts.block(false); // even where they could reach each other
  const bob = await join('b', 'policy', 'Bob', 'rgb(60,60,200)', spyCandidates);
  await relayed(ann, bob);
  for (const member of [ann, bob]) {
    assert.deepEqual([...new Set(await member.evaluate(() => window.told))], ['relay']);
    assert.equal(await member.evaluate(() => window.pair), 'relay');
  }
  await ann.waitFor(async (token) => {
    const metrics = await (await fetch('/metrics', { headers: { authorization: `Bearer ${token}` } })).text();
    return /consilium_direct_pairs_total\{[^}]*kind="relay"[^}]*\} [1-9]/.test(metrics);
  }, 'counted in the metrics', {}, server.adminToken);
  await ann.evaluate(() => window.consilium.room.setPolicy({ topology: 'never' }));
  for (const member of [ann, bob]) await becomes(member, 'sfu');
  assert.equal((await changes(bob, 2))[1].reason, 'room');
  await Promise.all([seesMoving(ann, 'Bob'), seesMoving(bob, 'Ann')]);
  hosts.block(true);
  await Promise.all([ann.close(), bob.close()]);
});

for (const [what, url, shut] of [['no UDP gets to it', /^turns?:.*=tcp$/, ['udp']], ['nothing but TLS gets to it', /^turns:/, ['udp', 'tcp']]]) {
  test(`Chromium and Firefox through the relay, where ${what}`, { skip: skip || (shut.length === 1 && later), timeout: 90_000 }, async () => {
    browsers.firefox ??= await start('firefox', 'b');
    for (const protocol of shut) hosts.shut(protocol, 3478, true);
    const room = `mixed-${shut.length}`;
    const ann = await join('a', room, 'Ann', 'rgb(200,60,60)');
    await ann.evaluate(() => window.consilium.room.setPolicy({ iceTransportPolicy: 'relay' }));
    const bob = await join('firefox', room, 'Bob', 'rgb(60,60,200)', spyCandidates);
    await relayed(ann, bob);
    assert.match(await relayOf(ann), url);
    assert.deepEqual([...new Set(await bob.evaluate(() => window.told))], ['relay']);
    assert.equal(await bob.evaluate(() => window.pair), 'relay');
    await Promise.all([ann.close(), bob.close()]);
    for (const protocol of shut) hosts.shut(protocol, 3478, false);
  });
}
