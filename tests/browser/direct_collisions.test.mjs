// tests/browser/direct_collisions.test.mjs: changes that collide, from a seed: a third comes and goes within a moment, the other
// one reloads, a screen is shared, signaling breaks, devices go off and on, all while a change is under way. In the end there is
// the right topology, with media. 200 rounds with CONSILIUM_LONG, 6 without, any other number with
// CONSILIUM_ROUNDS; in more rooms side by side with CONSILIUM_ROOMS, where there are cores for it. Replay with CONSILIUM_SEED.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, Member } from './lib/browsers.mjs';
import { becomes, noteChanges, seesMoving } from './lib/direct.mjs';
import { fakeScreen } from './lib/fakes.mjs';
import { Server } from './lib/server.mjs';

const ROUNDS = Number(process.env.CONSILIUM_ROUNDS ?? (process.env.CONSILIUM_LONG ? 200 : 6));
const ROOMS = Number(process.env.CONSILIUM_ROOMS ?? 1);
const seed = Number(process.env.CONSILIUM_SEED ?? 20261122);
const camera = { width: 320, height: 180, frameRate: 15 };

let server;
let browser;
/** @typedef {{room: string, ann: Member, bob: Member}} Two */
/** @type {Two[]} */ const rooms = [];

before(async () => {
  server = await Server.start();
  browser = await launch('chromium', { viewport: { width: 480, height: 360 } });
  for (let i = 0; i < ROOMS; i++) rooms.push({ room: `collisions-${i}`, ann: await join(`collisions-${i}`, 'Ann'), bob: await join(`collisions-${i}`, 'Bob') });
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

const join = (room, name) =>
  Member.join(browser, server.url, { room, name, camera }, {}, async (page) => {
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

/** What may happen in the middle of a change; each leaves the room as it found it. @type {Record<string, (two: Two, r: () => number) => Promise<unknown>>} */
const HAPPENINGS = {
  third: async ({ room, ann }, r) => {
    const token = await server.token({ room, name: 'Third', role: 'doctor' });
    await thirdComes(ann, token);
    await moment(r, 400);
    await thirdGoes(ann);
  },
  reload: async ({ bob }) => {
    await bob.page.reload();
    await bob.waitFor(() => window.consilium?.room?.localParticipant.id, 'joined again');
  },
  screen: async ({ ann }, r) => {
    await ann.evaluate(() => window.consilium.room.localParticipant.setScreenShareEnabled(true));
    await moment(r, 600);
    await ann.evaluate(() => window.consilium.room.localParticipant.setScreenShareEnabled(false));
  },
  signaling: ({ ann, bob }, r) => (r() < 0.5 ? ann : bob).evaluate((ms) => new Promise((resolve) => {
    window.consilium.once('reconnected', () => resolve(undefined));
    window.consilium.simulateSignalLoss(ms);
  }), r() * 1000),
  devices: async ({ ann, bob }, r) => {
    const who = r() < 0.5 ? ann : bob;
    await who.evaluate(async () => {
      const local = window.consilium.room.localParticipant;
      await Promise.all([local.setCameraEnabled(false), local.setMicrophoneEnabled(false)]);
      await Promise.all([local.setCameraEnabled(true), local.setMicrophoneEnabled(true)]);
    });
  },
  policy: async ({ ann }, r) => {
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
/** @param {Two} two */
async function settled({ ann, bob }) {
  for (const [member, other] of [[ann, 'Bob'], [bob, 'Ann']]) {
    await member.waitFor(() => window.consilium.room.remoteParticipants.size === 1, 'two again', { timeout: 20_000 });
    await becomes(member, 'p2p', { timeout: 60_000 }); // five seconds, three for an attempt; if that fails the next one comes 30 s later
    await seesMoving(member, other);
    await hears(member);
    const media = await member.evaluate(() => {
      const [p] = window.consilium.room.remoteParticipants.values();
      return [...p.publications.values()].map((x) => `${x.source} ${x.muted} ${x.track.mediaStreamTrack?.readyState} ${[...x.track.elements].map((e) => e.srcObject?.getTracks().length)}`).sort();
    });
    assert.deepEqual(media, ['camera false live 1', 'microphone false live 1']);
  }
}

/** @param {Two} two @param {() => number} r @param {number} round */
async function collide(two, r, round) {
  const { room, ann, bob } = two;
  const names = Object.keys(HAPPENINGS);
  const first = round % 2 === 0 ? 'third' : names[Math.floor(r() * names.length)];
  const second = names.filter((n) => n !== first)[Math.floor(r() * (names.length - 1))];
  const what = `${room}, round ${round}: ${first}, ${second}`;
  const began = performance.now();
  try {
    const one = HAPPENINGS[first](two, r);
    await moment(r, 300);
    const results = await Promise.allSettled([one, HAPPENINGS[second](two, r)]);
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
    await settled(two);
  } catch (error) {
    throw new Error(`${what}: ${error.message}`, { cause: error });
  }
  console.log(`${what}: ${Math.round(performance.now() - began)} ms`);
}

test(`${ROUNDS} collisions, seed ${seed}`, { timeout: 60_000 + ROUNDS * 30_000 }, async () => {
  let rounds = 0;
  await Promise.all(rooms.map(async (two, i) => {
    const r = random(seed + i);
    await settled(two);
    for (let round = 0; rounds < ROUNDS; round++) {
      rounds++;
      await collide(two, r, round);
    }
    for (const member of [two.ann, two.bob]) assert.deepEqual(member.takeErrors().filter((e) => !/connection_lost|closed|WebSocket/.test(e)), []);
  }));
});
