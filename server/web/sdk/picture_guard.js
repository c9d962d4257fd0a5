// server/web/sdk/picture_guard.js: for a while after a change of connection: whether the new one's pictures keep coming.
//
// What flowed well may stop right after the change: an encoder that begins another layer, a link that is found too thin. The
// connection from before still brings pictures then, and has them on the screen again before anybody has seen one missing.

import { countersOf } from './media_ready.js';

const POLL_MS = 10;
/** Of the usual interval of this picture: from the one on it is looked at, from the other on it stands still. */
const LATE = 1.2;
const STILL = 1.9;
const USUAL_MS = 33;

/** @typedef {{now: RTCRtpReceiver, before: RTCRtpReceiver}} Pair of one picture */

/**
 * @param {{sinceLast: () => number | null, interval: () => number}} meter of the element that shows it
 * @param {Pair[]} pairs @param {number} ms for so long @param {() => boolean} wanted
 * @returns {Promise<boolean>} false, at once, when it stands still and does not by the way from before
 */
export async function picturesHold(meter, pairs, ms, wanted) {
  if (pairs.length === 0 || meter.sinceLast() === null) return true; // nobody is looking
  const end = performance.now() + ms;
  const usual = Math.max(USUAL_MS, meter.interval());
  /** @type {{now: number, before: number}[] | null} */ let known = null;
  while (wanted() && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    const since = meter.sinceLast() ?? 0;
    if (since < usual * LATE) known = null;
    else if (!known) known = await framesOf(pairs);
    else if (since >= usual * STILL) {
      const before = known;
      const frames = await framesOf(pairs);
      if (frames.some((f, i) => f.now === before[i].now && f.before > before[i].before)) return false;
    }
  }
  return true;
}

/** @param {Pair[]} pairs */
function framesOf(pairs) {
  return Promise.all(pairs.map(async ({ now, before }) => {
    const [a, b] = await Promise.all([countersOf(now), countersOf(before)]);
    return { now: a.frames, before: b.frames };
  }));
}
