// server/web/sdk/media_ready.js: whether what a connection receives can be shown and heard: asked of the browser's statistics.
//
// A picture is ready when two of it were decoded (the second one shows that they keep coming) and it is about as large as
// the one it replaces; sound when a tenth of a second was played out of the jitter buffer without anything made up.

/** @typedef {{receiver: RTCRtpReceiver, height?: number}} Wanted `height`: of the picture that shows now, 0 unknown */
/** @typedef {{frames: number, height: number, packets: number, samples: number, concealed: number}} Counters */

const FRAMES = 2;
const CLEAN_SAMPLES = 4800;
/** A sound that is not played out here (no device): so many packets (of 20 ms) will do. */
const PACKETS = 25;
const SAME_SIZE = 0.9;
/** Encoders begin small and grow within this time; a thinner path may stay small. */
const GROW_MS = 1000;

/** @param {RTCRtpReceiver} receiver @returns {Promise<Counters>} */
export async function countersOf(receiver) {
  const counters = { frames: 0, height: 0, packets: 0, samples: 0, concealed: 0 };
  for (const entry of (await receiver.getStats()).values()) {
    if (entry.type !== 'inbound-rtp') continue;
    counters.frames += entry.framesDecoded ?? 0;
    counters.height = Math.max(counters.height, entry.frameHeight ?? 0);
    counters.packets += entry.packetsReceived ?? 0;
    counters.samples += entry.totalSamplesReceived ?? 0;
    counters.concealed += entry.concealedSamples ?? 0;
  }
  return counters;
}

export class MediaReady {
  /** @type {Map<RTCRtpReceiver, {base: Counters, last: Counters, cleanFrom: number, readyAt: number}>} */ #seen = new Map();

  /** @param {Wanted[]} wanted @returns {Promise<boolean>} */
  async check(wanted) {
    const all = await Promise.all(wanted.map(async (one) => this.#ready(one, await countersOf(one.receiver))));
    return all.every(Boolean);
  }

  /** @param {RTCRtpReceiver} receiver @returns {Counters | undefined} as of the last check */
  last(receiver) {
    return this.#seen.get(receiver)?.last;
  }

  /** @param {Wanted} wanted @param {Counters} now */
  #ready({ receiver, height = 0 }, now) {
    const seen = this.#seen.get(receiver) ?? { base: now, last: now, cleanFrom: now.samples, readyAt: 0 };
    this.#seen.set(receiver, seen);
    if (now.concealed > seen.last.concealed || now.packets === seen.base.packets) seen.cleanFrom = now.samples;
    seen.last = now;
    if (receiver.track.kind === 'audio') return soundReady(seen.base, seen.cleanFrom, now);
    if (now.frames - seen.base.frames < FRAMES) return false;
    seen.readyAt ||= performance.now();
    return now.height >= height * SAME_SIZE || performance.now() - seen.readyAt > GROW_MS;
  }
}

/** @param {Counters} base @param {number} cleanFrom @param {Counters} now */
function soundReady(base, cleanFrom, now) {
  if (now.samples === base.samples) return now.packets - base.packets >= PACKETS;
  return now.packets > base.packets && now.samples - cleanFrom >= CLEAN_SAMPLES;
}
