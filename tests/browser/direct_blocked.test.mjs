// tests/browser/direct_blocked.test.mjs: two hosts that cannot reach each other, or not any more: media goes over the server.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, Member } from './lib/browsers.mjs';
import { becomes, changes, noteChanges, observe, observed, seesMoving } from './lib/direct.mjs';
import { colorCamera } from './lib/fakes.mjs';
import { cannot, Hosts } from './lib/hosts.mjs';
import { Server } from './lib/server.mjs';

const skip = cannot();

let hosts;
let server;
const browsers = {};

before(async () => {
  if (skip) return;
  hosts = new Hosts();
  server = await Server.start({
    address: hosts.address, prefix: hosts.prefix('server'), args: [`--set=media.address=${hosts.address}`],
  });
  for (const host of ['a', 'b']) {
    browsers[host] = await launch('chromium', {
      viewport: { width: 640, height: 480 }, wrap: (path) => hosts.wrapper(host, path),
      args: ['--ignore-certificate-errors'],
    });
  }
});

after(async () => {
  await Promise.all(Object.values(browsers).map((b) => b.close()));
  await server?.stop();
  hosts?.close();
});

const join = (host, room, name, color) =>
  Member.join(browsers[host], server.url, { room, name }, {}, async (page) => {
    await noteChanges(page);
    await colorCamera(page, color);
  });

test('blocked from the beginning: media over the server in three seconds', { skip, timeout: 60_000 }, async () => {
  hosts.block(true);
  const ann = await join('a', 'blocked', 'Ann', 'rgb(200,60,60)');
  const bob = await join('b', 'blocked', 'Bob', 'rgb(60,60,200)');
  const joined = performance.now();
  await Promise.all([seesMoving(ann, 'Bob', { timeout: 10_000 }), seesMoving(bob, 'Ann', { timeout: 10_000 })]);
  const took = performance.now() - joined;
  console.log(`media ${Math.round(took)} ms after join`);
  assert.ok(took < 3000, `media after ${took} ms`);
  // The attempt ends by itself and nobody saw it.
  await observe(ann, 'Bob');
  await new Promise((resolve) => setTimeout(resolve, 4000));
  assert.equal(await ann.evaluate(() => window.consilium.room.topology), 'sfu');
  assert.deepEqual((await observed(ann)).found, []);
  assert.deepEqual(await ann.evaluate(() => window.changes), []);
  assert.deepEqual(ann.takeErrors(), []);
  await Promise.all([ann.close(), bob.close()]);
  hosts.block(false);
});

test('the path dies during the call: noticed within two seconds, on the server within one more', { skip, timeout: 60_000 }, async () => {
  const ann = await join('a', 'dies', 'Ann', 'rgb(200,60,60)');
  const bob = await join('b', 'dies', 'Bob', 'rgb(60,60,200)');
  for (const [member, other] of [[ann, 'Bob'], [bob, 'Ann']]) {
    await becomes(member, 'p2p');
    await seesMoving(member, other);
    await changes(member, 1);
    await observe(member, other);
  }
  hosts.block(true);
  const blocked = Date.now();
  for (const [member, other] of [[ann, 'Bob'], [bob, 'Ann']]) {
    await becomes(member, 'sfu', { timeout: 10_000 });
    await seesMoving(member, other);
    const [, back] = await changes(member, 2);
    assert.ok(['stalled', 'lost'].includes(back.reason), back.reason);
    const seen = await observed(member);
    const said = await member.evaluate(() => window.said);
    const noticed = said.find((s) => s.at > blocked && ['stalled', 'failed', 'topologyChanging'].includes(s.what)).at;
    console.log(`${member.name}: ${back.reason}, noticed after ${Math.round(noticed - blocked)} ms, on the server ${Math.round(seen.resumed - noticed)} ms later (${seen.longest} ms without a new picture)`);
    assert.deepEqual(seen.found, []);
    assert.ok(noticed - blocked < 2000, `noticed after ${noticed - blocked} ms`);
    assert.ok(seen.resumed - noticed < 1000, `a picture of the server ${seen.resumed - noticed} ms later`);
  }
  hosts.block(false);
  await Promise.all([ann.close(), bob.close()]);
});
