// tests/browser/direct_collisions.test.mjs: changes that collide, from a seed: a third comes and goes within a moment, the other
// one reloads, a screen is shared, signaling breaks, devices go off and on, all while a change is under way. In the end there is
// the right topology, with media. Replay with CONSILIUM_SEED; 200 rounds with CONSILIUM_LONG, 10 without.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, Member } from './lib/browsers.mjs';
import { becomes, noteChanges, seesMoving } from './lib/direct.mjs';
import { fakeScreen } from './lib/fakes.mjs';
import { Server } from './lib/server.mjs';

const ROUNDS = process.env.CONSILIUM_LONG ? 200 : 10;
const seed = Number(process.env.CONSILIUM_SEED ?? 20261122);
const camera = { width: 320, height: 180, frameRate: 15 };

let server;
let browser;
/** @type {Member} */ let ann;
/** @type {Member} */ let bob;

before(async () => {
  server = await Server.start();
  browser = await launch('chromium', { viewport: { width: 480, height: 360 } });
  [ann, bob] = [await join('Ann'), await join('Bob')];
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

const join = (name) =>
  Member.join(browser, server.url, { room: 'collisions', name, camera }, {}, async (page) => {
    await noteChanges(page);
    await fakeScreen(page);
  });

/** mulberry32 @param {number} state */
function random(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * A third who comes and goes without a page of its own: signaling and a media connection are enough to be somebody.
 * @param {Member} host whose page it lives in
 */
const thirdComes = async (host, token) =>
  host.evaluate(async (t) => {
    const { createClient } = await import('/sdk/consilium.js');
    window.third = createClient({ token: t });
    window.thirdJoined = window.third.join({ topology: 'auto' }).catch(() => {});
    await window.thirdJoined;
  }, token);
const thirdGoes = (host) => host.evaluate(() => window.third?.disconnect());

/** What may happen in the middle of a change; each leaves the room as it found it. @type {Record<string, (r: () => number) => Promise<unknown>>} */
const HAPPENINGS = {
  third: async (r) => {
    const token = await server.token({ room: 'collisions', name: 'Third', role: 'doctor' });
    await thirdComes(ann, token);
    await moment(r, 400);
    await thirdGoes(ann);
  },
  reload: async () => {
    await bob.page.reload();
    await bob.waitFor(() => window.consilium?.room?.localParticipant.id, 'joined again');
  },
  screen: async (r) => {
    await ann.evaluate(() => window.consilium.room.localParticipant.setScreenShareEnabled(true));
    await moment(r, 600);
    await ann.evaluate(() => window.consilium.room.localParticipant.setScreenShareEnabled(false));
  },
  signaling: (r) => (r() < 0.5 ? ann : bob).evaluate((ms) => new Promise((resolve) => {
    window.consilium.once('reconnected', () => resolve(undefined));
    window.consilium.simulateSignalLoss(ms);
  }), r() * 1000),
  devices: async (r) => {
    const who = r() < 0.5 ? ann : bob;
    await who.evaluate(async () => {
      const local = window.consilium.room.localParticipant;
      await Promise.all([local.setCameraEnabled(false), local.setMicrophoneEnabled(false)]);
      await Promise.all([local.setCameraEnabled(true), local.setMicrophoneEnabled(true)]);
    });
  },
  policy: async (r) => {
    const set = (topology) => ann.evaluate((t) => window.consilium.room.setPolicy({ topology: t }).catch((e) => e.code), topology);
    await set('never');
    await moment(r, 500);
    for (;;) if ((await set('auto')) !== 'connection_lost') break;
  },
};

/** @param {() => number} r @param {number} most */
function moment(r, most) {
  const ms = r() * most;
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Sound and picture of the other one arrive, by the connection that carries the media. */
async function hears(member) {
  await member.waitFor(async () => {
    const audio = [...(await window.consilium.room.getStats()).values()].filter((r) => r.type === 'inbound-rtp' && r.kind === 'audio');
    const packets = audio.reduce((sum, r) => sum + r.packetsReceived, 0);
    const before = window.heardPackets;
    window.heardPackets = packets;
    return before !== undefined && packets > before;
  }, 'hearing the other');
}

/** Two are there, directly connected, and see and hear each other; nothing is left of what happened. */
async function settled() {
  for (const [member, other] of [[ann, 'Bob'], [bob, 'Ann']]) {
    await member.waitFor(() => window.consilium.room.remoteParticipants.size === 1, 'two again', { timeout: 20_000 });
    await becomes(member, 'p2p', { timeout: 40_000 }); // after a failure the next attempt comes 30 s later
    await seesMoving(member, other);
    await hears(member);
    const media = await member.evaluate(() => {
      const [p] = window.consilium.room.remoteParticipants.values();
      return [...p.publications.values()].map((x) => `${x.source} ${x.muted} ${x.track.mediaStreamTrack?.readyState} ${[...x.track.elements].map((e) => e.srcObject?.getTracks().length)}`).sort();
    });
    assert.deepEqual(media, ['camera false live 1', 'microphone false live 1']);
  }
}

test(`${ROUNDS} collisions, seed ${seed}`, { timeout: ROUNDS * 30_000 }, async () => {
  const r = random(seed);
  await settled();
  for (let round = 0; round < ROUNDS; round++) {
    const names = Object.keys(HAPPENINGS);
    const first = round % 2 === 0 ? 'third' : names[Math.floor(r() * names.length)];
    const second = names.filter((n) => n !== first)[Math.floor(r() * (names.length - 1))];
    const what = `round ${round}: ${first}, ${second}`;
    const began = performance.now();
    try {
      const one = HAPPENINGS[first](r);
      await moment(r, 300);
      const results = await Promise.allSettled([one, HAPPENINGS[second](r)]);
      // A page that reloads or has lost its signaling may refuse what was asked of it meanwhile; where it ends is what counts.
      for (const { reason } of results.filter((x) => x.status === 'rejected')) console.log(`${what}: ${String(reason?.message ?? reason).slice(0, 120)}`);
      await thirdGoes(ann).catch(() => {});
      await ann.evaluate(() => window.consilium.room.localParticipant.setScreenShareEnabled(false));
      for (const m of [ann, bob]) {
        await m.evaluate(async () => {
          const local = window.consilium.room.localParticipant;
          await Promise.all([local.setCameraEnabled(true), local.setMicrophoneEnabled(true)]);
        });
      }
      await settled();
    } catch (error) {
      throw new Error(`${what}: ${error.message}`, { cause: error });
    }
    console.log(`${what}: ${Math.round(performance.now() - began)} ms`);
  }
  for (const member of [ann, bob]) assert.deepEqual(member.takeErrors().filter((e) => !/connection_lost|closed|WebSocket/.test(e)), []);
});
