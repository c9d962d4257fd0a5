// tests/system/lib/until.mjs: waiting for a state, bounded, with words for what did not come about.

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Asks `question` until its answer is truthy, and returns that.
 * @template T @param {() => T | Promise<T>} question @param {string | (() => string)} what @param {{timeout?: number, every?: number}} [options]
 */
export async function until(question, what, { timeout = 10_000, every = 25 } = {}) {
  const deadline = performance.now() + timeout;
  for (;;) {
    const answer = await question();
    if (answer) return answer;
    if (performance.now() > deadline) throw new Error(`not within ${timeout} ms: ${typeof what === 'function' ? what() : what}`);
    await pause(every);
  }
}

/** Rejects unless `promise` settles in time. */
export function within(promise, what, timeout = 10_000) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${timeout} ms: ${typeof what === 'function' ? what() : what}`)), timeout);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
