// server/web/sdk/media_ready.js: whether what a connection receives can be shown and heard: asked of the browser's statistics.
//
// A picture is ready when a few of it were decoded, so that its rate is known to hold, and it is about as large as the one
// it replaces; sound when a while of it was played out of the jitter buffer without anything made up. When nothing else
// plays any more, the first of each will do.

/** @typedef {{receiver: RTCRtpReceiver, height?: number}} Wanted `height`: of the picture that shows now, 0 unknown */
/** @typedef {{frames: number, height: number, packets: number, samples: number, concealed: number}} Counters */

/** `growMs`: encoders begin small and grow within this time; a thinner path may stay small. */
const CALM = { frames: 5, samples: 9600, growMs: 600 };
const URGENT = { frames: 1, samples: 0, growMs: 0 };
/** A sound that is not played out here (no device), or that a busy machine never plays without a hole: so many packets of 20 ms. */
const PACKETS = 40;
const SAME_SIZE = 0.9;

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
  #enough;
  /** @type {Map<RTCRtpReceiver, {base: Counters, last: Counters, cleanFrom: number, readyAt: number}>} */ #seen = new Map();

  /** @param {boolean} urgent nothing else plays */
  constructor(urgent) {
    this.#enough = urgent ? URGENT : CALM;
  }

  /** @param {Wanted[]} wanted @returns {Promise<boolean>} */
  async check(wanted) {
    const all = await Promise.all(wanted.map(async (one) => this.#ready(one, await countersOf(one.receiver))));
    return all.every(Boolean);
  }

  /** @param {Wanted} wanted @param {Counters} now */
  #ready({ receiver, height = 0 }, now) {
    const seen = this.#seen.get(receiver) ?? { base: now, last: now, cleanFrom: now.samples, readyAt: 0 };
    this.#seen.set(receiver, seen);
    if (now.concealed > seen.last.concealed || now.packets === seen.base.packets) seen.cleanFrom = now.samples;
    seen.last = now;
    if (receiver.track.kind === 'audio') {
      const packets = now.packets - seen.base.packets;
      return packets >= PACKETS || (packets > 0 && now.samples > seen.base.samples && now.samples - seen.cleanFrom >= this.#enough.samples);
    }
    if (now.frames - seen.base.frames < this.#enough.frames) return false;
    seen.readyAt ||= performance.now();
    return now.height >= height * SAME_SIZE || performance.now() - seen.readyAt > this.#enough.growMs;
  }
}
