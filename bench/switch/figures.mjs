// bench/switch/figures.mjs: from the pictures around a change to figures: how long the longest pause was, where it arose, and
// whether the machine had a hand in it.

/** So much before and after the change belongs to it. */
export const AROUND_MS = 500;
/** Two pictures in a row missing at 30 a second, half a period allowed: what stands still so long is held up by the machine. */
export const STALL_MS = 84;
const CLOCK = 90;

/** The longest interval of a list that touches the time from..to. @param {number[][]} list @returns {{ms: number, from: number[], to: number[]} | null} */
export function longest(list, from, to) {
  let found = null;
  for (let i = 1; i < list.length; i++) {
    const [a, b] = [list[i - 1], list[i]];
    if (b[0] > from && a[0] < to && (!found || b[0] - a[0] > found.ms)) found = { ms: b[0] - a[0], from: a, to: b };
  }
  return found;
}

/**
 * Of the longest pause: how far apart its two pictures were received, captured, and by their RTP time stamps (null across
 * two connections, whose time stamps have nothing to do with each other).
 */
function steps(pause) {
  const step = (i) => (pause.from[i] === null || pause.to[i] === null || pause.from[i] === undefined ? null : pause.to[i] - pause.from[i]);
  const rtp = step(4);
  const media = rtp === null ? null : (rtp | 0) / CLOCK;
  return { received: step(2), captured: step(3), media: media !== null && media > 0 && media < 1000 ? media : null, missed: step(5) === null ? null : step(5) - 1 };
}

/**
 * @param {Record<string, number[][]>} seen in the watching page: frames, own, control, drawn
 * @param {number[][]} source the other one's preview, in its page
 * @param {number} at the change, or any other moment
 */
export function judge(seen, source, at) {
  const pause = longest(seen.frames, at - AROUND_MS, at + AROUND_MS);
  if (!pause) return null;
  // What stood still at the same time: a picture is late by what it needed to come here, too.
  const beside = (list, before = 0) => longest(list ?? [], pause.from[0] - before, pause.to[0])?.ms ?? 0;
  const others = { own: beside(seen.own), control: beside(seen.control), drawn: beside(seen.drawn), source: beside(source, 150) };
  const spoiled = Object.entries(others).filter(([, ms]) => ms >= STALL_MS).map(([key]) => key);
  const after = seen.frames.filter((f) => f[0] > at && f[0] < at + 2 * AROUND_MS && f[2]);
  const delay = after.length ? percentile(after.map((f) => f[0] - f[2]), 0.5) : null;
  return { delay, gap: pause.ms, after: pause.from[0] - at, ...steps(pause), beside: others, spoiled };
}

/** @param {number[]} values @param {number} p */
export function percentile(values, p) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length ? sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1))] : NaN;
}

/** @param {number[]} values */
export function spread(values) {
  return `p50 ${percentile(values, 0.5).toFixed(0)} p95 ${percentile(values, 0.95).toFixed(0)} max ${percentile(values, 1).toFixed(0)}`;
}
