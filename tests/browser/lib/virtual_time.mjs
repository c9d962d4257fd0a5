// tests/browser/lib/virtual_time.mjs: timers and performance.now() of a test without a browser, in time that the test moves.
// (The mock timers of node:test are called in other ways by each version of Node.js.)

/** @type {{at: number, id: number, done: (...of: unknown[]) => void, of: unknown[], every: number}[]} */
let timers = [];
let now = 0;
let last = 0;

/** @param {(...of: unknown[]) => void} done @param {number} ms @param {unknown[]} of @param {number} every */
function add(done, ms, of, every) {
  const id = ++last;
  timers.push({ at: now + Math.max(0, ms), id, done, of, every });
  return id;
}

/** Takes the place of the real timers, of `window` for what asks there, and of the clock. */
export function install() {
  const replaced = {
    setTimeout: (done, ms = 0, ...of) => add(done, ms, of, 0),
    setInterval: (done, ms, ...of) => add(done, ms, of, ms),
    clearTimeout: (id) => (timers = timers.filter((t) => t.id !== id)),
    clearInterval: (id) => (timers = timers.filter((t) => t.id !== id)),
  };
  Object.assign(globalThis, replaced, { window: Object.assign(new EventTarget(), replaced) });
  Object.defineProperty(globalThis, 'performance', { value: { now: () => now }, configurable: true });
}

/** Time passes: each timer in its turn, and after it whatever was waiting for it. @param {number} ms */
export async function pass(ms) {
  const end = now + ms;
  for (;;) {
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    const next = timers.reduce((best, t) => (t.at < best.at || (t.at === best.at && t.id < best.id) ? t : best), { at: Infinity, id: 0 });
    if (next.at > end) break;
    now = Math.max(now, next.at);
    if (next.every > 0) next.at += next.every;
    else timers = timers.filter((t) => t !== next);
    next.done(...next.of);
  }
  now = end;
}
