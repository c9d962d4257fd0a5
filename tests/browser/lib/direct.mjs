// tests/browser/lib/direct.mjs: what tests of the direct connection of two watch in a page: the changes of topology, and that
// what plays goes on through them: the same elements and Track objects, always a picture, never two sounds of one person.

import { colorOf } from './fakes.mjs';

/**
 * Put into a page before it loads: notes each `topologyChanged`, each track that was taken away, and what server and page say
 * to each other of the direct connection (`said`: topologyChanging, topology, connected, sending, swapped, stalled, …).
 * @param {import('puppeteer-core').Page} page
 */
export function noteChanges(page) {
  return page.evaluateOnNewDocument(() => {
    window.changes = [];
    window.unsubscribed = [];
    window.said = [];
    const { send } = WebSocket.prototype;
    WebSocket.prototype.send = function (text) {
      const note = (/** @type {any} */ m) => {
        const what = m.type === 'directState' ? m.state : m.event;
        if (m.type === 'directState' || ['topologyChanging', 'topology'].includes(m.event)) window.said.push({ what, at: performance.timeOrigin + performance.now() });
      };
      if (!this.noted) this.addEventListener('message', ({ data }) => note(JSON.parse(data)));
      this.noted = true;
      note(JSON.parse(text));
      return send.call(this, text);
    };
    const wait = setInterval(() => {
      const room = window.consilium?.room;
      if (!room) return;
      clearInterval(wait);
      room.on('topologyChanged', (change) => window.changes.push({ ...change, at: performance.now() }));
      room.on('trackUnsubscribed', (track, _, participant) => window.unsubscribed.push(`${participant.name} ${track.source}`));
    }, 5);
  });
}

/** A machine too busy for the first attempt's three seconds gets another one half a minute later. @param {import('./browsers.mjs').Member} member @param {'p2p' | 'sfu'} topology */
export function becomes(member, topology, options = { timeout: 45_000 }) {
  return member.waitFor((t) => window.consilium.room.topology === t, `in topology ${topology}`, options, topology);
}

/** Waits until that many changes were told, and returns them. */
export async function changes(member, count, options) {
  await member.waitFor((n) => window.changes.length >= n, `told of ${count} changes`, options, count);
  return member.evaluate(() => window.changes);
}

/** Media of the other one keeps coming by whatever connection: pictures presented from now on. */
export async function seesMoving(member, name, options) {
  await member.waitFor(async (who) => {
    const p = [...window.consilium.room.remoteParticipants.values()].find((x) => x.name === who);
    const [video] = p?.publication('camera')?.track.elements ?? [];
    if (!video) return false;
    window.presented ??= new Map();
    if (!window.presented.has(video)) {
      const seen = { frames: 0 };
      window.presented.set(video, seen);
      const next = () => {
        seen.frames++;
        video.requestVideoFrameCallback(next);
      };
      video.requestVideoFrameCallback(next);
      seen.wanted = 3;
    }
    const seen = window.presented.get(video);
    if (seen.frames < seen.wanted) return false;
    seen.wanted = seen.frames + 3;
    return !('waiting' in video.dataset);
  }, `seeing ${name} move`, options, name);
}

/**
 * From now on looks at each drawn frame of the page: the picture of `name` is never black or gone, its elements and Track
 * objects stay, and of one person there is one sound. observed() tells what was not so.
 */
export function observe(member, name) {
  return member.evaluate((source, who) => {
    const colorAt = new Function(`return ${source}`)();
    const p = [...window.consilium.room.remoteParticipants.values()].find((x) => x.name === who);
    const [camera, microphone] = ['camera', 'microphone'].map((s) => p.publication(s).track);
    const kept = { camera, microphone, video: [...camera.elements][0], audio: [...microphone.elements][0] };
    const stream = kept.video.srcObject;
    const slow = 'mozCaptureStream' in kept.video; // Firefox reads pixels slowly
    const found = new Set();
    const heardBefore = new Set([microphone.mediaStreamTrack]);
    microphone.on('mediaChanged', (media) => heardBefore.add(media));
    window.unsubscribed = [];
    const seen = { frames: 0, longest: 0, resumed: 0, last: performance.now(), blind: 0, looked: performance.now() };
    window.observed = () => ({ found: [...found], frames: seen.frames, longest: Math.round(seen.longest), resumed: seen.resumed, blind: Math.round(seen.blind) });
    const onFrame = (_, { presentationTime }) => {
      if (presentationTime - seen.last > seen.longest) seen.resumed = performance.timeOrigin + presentationTime;
      seen.longest = Math.max(seen.longest, presentationTime - seen.last);
      seen.last = presentationTime;
      seen.frames++;
      kept.video.requestVideoFrameCallback(onFrame);
    };
    kept.video.requestVideoFrameCallback(onFrame);
    const look = () => {
      seen.blind = Math.max(seen.blind, performance.now() - seen.looked);
      seen.looked = performance.now();
      if (p.publication('camera')?.track !== kept.camera || p.publication('microphone')?.track !== kept.microphone) found.add('another Track object');
      if (!kept.camera.elements.has(kept.video) || !kept.video.isConnected || kept.video.srcObject !== stream) found.add('another element');
      if (kept.video.readyState < 2 || kept.video.videoWidth === 0 || getComputedStyle(kept.video).opacity !== '1') found.add('no picture');
      else if (Math.max(...colorAt(kept.video)) < 60) found.add('a black picture');
      if (kept.audio.srcObject?.getAudioTracks().length !== 1) found.add(`${kept.audio.srcObject?.getAudioTracks().length} sounds`);
      const heard = [...document.querySelectorAll('audio')].filter((a) => a.dataset.participant === p.id && a.dataset.source === 'microphone' && !a.muted && a.srcObject);
      if (heard.length !== 1) found.add(`${heard.length} elements with sound`);
      const sounds = [...heardBefore].filter((t) => t?.readyState === 'live' && t.enabled);
      if (sounds.length !== 1 || sounds[0] !== microphone.mediaStreamTrack) found.add(`${sounds.length} sounds of one person on`);
      if (slow) setTimeout(look, 100);
      else requestAnimationFrame(look);
    };
    look();
  }, colorOf, name);
}

/**
 * `resumed`: when the longest time without a picture ended (ms since 1970); `blind`: the longest in which the page itself did not run.
 * @returns {Promise<{found: string[], frames: number, longest: number, resumed: number, blind: number}>}
 */
export function observed(member) {
  return member.evaluate(() => window.observed());
}

/** Packets that arrived by one of the two connections: of both kinds. */
export function packetsBy(member, way) {
  return member.evaluate(async (of) => {
    let packets = 0;
    for (const r of (await window.consilium.room.getStats(of)).values()) if (r.type === 'inbound-rtp') packets += r.packetsReceived;
    return packets;
  }, way);
}
