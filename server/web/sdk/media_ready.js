// server/web/sdk/media_ready.js: whether what a connection receives can be shown and heard: asked of the browser's statistics.
//
// A picture is ready when as many of it were decoded for a while as of the one that shows now, and it is about as large; sound
// when a while of it was played out of the jitter buffer without anything made up. One that stands still at the moment is never
// ready while another shows. When nothing else plays any more, the first of each will do.

/**
 * `shown`: what brings the picture that shows now, null when nothing does any more; `height` of that picture, 0 unknown.
 * @typedef {{receiver: RTCRtpReceiver, shown?: RTCRtpReceiver | null, height?: number}} Wanted
 */
/** @typedef {{frames: number, height: number, packets: number, samples: number, concealed: number}} Counters */

/**
 * `patienceMs`: a new connection begins with a low estimate, so its encoder leaves pictures out and makes them small for some
 * hundred milliseconds; a thinner path may stay so.
 */
const CALM = { frames: 5, samples: 9600, patienceMs: 1000 };
const URGENT = { frames: 1, samples: 0, patienceMs: 0 };
/** The rate is compared over so long; two pictures of which one came just before and one just after are no difference. */
const RATE_MS = 500;
const RATE_SLACK = 1;
/** A sound that is not played out here (no device), or that a busy machine never plays without a hole: so many packets of 20 ms. */
const PACKETS = 40;
const SAME_SIZE = 0.9;

/** @typedef {{at: number, frames: number, shown: number}} Sample pictures decoded so far of the new and of what shows */
/** @typedef {{base: Counters, last: Counters, cleanFrom: number, readyAt: number, rate: Sample[]}} Seen */

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
  /** @type {Map<RTCRtpReceiver, Seen>} */ #seen = new Map();

  /** @param {boolean} urgent nothing else plays @param {number} [patienceMs] for rate and size */
  constructor(urgent, patienceMs = CALM.patienceMs) {
    this.#enough = urgent ? URGENT : { ...CALM, patienceMs };
  }

  /** Time runs out: rate and size matter no more. */
  hurry() {
    this.#enough = { ...this.#enough, patienceMs: 0 };
  }

  /** @param {Wanted[]} wanted @returns {Promise<boolean>} */
  async check(wanted) {
    const all = await Promise.all(wanted.map(async (one) => {
      const [now, shown] = await Promise.all([countersOf(one.receiver), one.shown ? countersOf(one.shown) : null]);
      return this.#ready(one, now, shown?.frames ?? 0);
    }));
    return all.every(Boolean);
  }

  /** @param {Wanted} wanted @param {Counters} now @param {number} shown pictures decoded so far of what shows now */
  #ready({ receiver, height = 0 }, now, shown) {
    /** @type {Seen} */
    const seen = this.#seen.get(receiver) ?? { base: now, last: now, cleanFrom: now.samples, readyAt: 0, rate: [] };
    this.#seen.set(receiver, seen);
    if (now.concealed > seen.last.concealed || now.packets === seen.base.packets) seen.cleanFrom = now.samples;
    seen.last = now;
    if (receiver.track.kind === 'audio') {
      const packets = now.packets - seen.base.packets;
      return packets >= PACKETS || (packets > 0 && now.samples > seen.base.samples && now.samples - seen.cleanFrom >= this.#enough.samples);
    }
    if (now.frames - seen.base.frames < this.#enough.frames) return false;
    seen.readyAt ||= performance.now();
    const moves = this.#enough.frames === 1 || now.frames > (seen.rate.at(-1)?.frames ?? 0); // since it was asked last
    const holds = rateHolds(seen.rate, { at: performance.now(), frames: now.frames, shown });
    const enough = now.height >= height * SAME_SIZE && holds;
    return moves && (enough || performance.now() - seen.readyAt >= this.#enough.patienceMs);
  }
}

/**
 * Whether of the new one as many pictures were decoded lately as of the one that shows.
 * @param {Sample[]} samples of before, of which those that are too old are let go @param {Sample} now
 */
export function rateHolds(samples, now) {
  samples.push(now);
  while (samples.length > 1 && samples[1].at <= now.at - RATE_MS) samples.shift();
  const [then] = samples;
  return now.at - then.at >= RATE_MS && now.frames - then.frames >= now.shown - then.shown - RATE_SLACK;
}
