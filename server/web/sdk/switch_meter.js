// server/web/sdk/switch_meter.js: what a change of connection was to the person who watches: the largest interval between two
// presented pictures around it, and how much sound had to be made up.

/** So much before and after the change belongs to it. */
const AROUND_MS = 500;
/** Without a picture for so long, there is none to wait for. */
const LONGEST_MS = 5000;
/** By so many pictures their usual interval is known. */
const USUAL = 20;

/** @typedef {VideoFrameCallbackMetadata} Metadata */

export class SwitchMeter {
  /** @type {number[]} */ #times = [];
  #over = false;
  #element;

  /** @param {HTMLVideoElement | null} element @param {number} [lastPicture] when it last moved, if it stands still already */
  constructor(element, lastPicture) {
    this.#element = element;
    if (lastPicture !== undefined) this.#times.push(lastPicture);
    element?.requestVideoFrameCallback(this.#onFrame);
  }

  /** @param {number} _now @param {Metadata} metadata */
  #onFrame = (_now, metadata) => {
    if (this.#over) return;
    this.#times.push(metadata.presentationTime);
    while (this.#times.length > 2 && this.#times[1] < metadata.presentationTime - LONGEST_MS) this.#times.shift();
    this.#element?.requestVideoFrameCallback(this.#onFrame);
  };

  /** How long ago the last picture was presented, ms; null when none is watched. */
  sinceLast() {
    const last = this.#times.at(-1);
    return this.#element && last !== undefined ? performance.now() - last : null;
  }

  /** The usual time between two pictures of late, ms; 0 unknown. */
  interval() {
    const steps = this.#times.slice(-USUAL).map((t, i, list) => (i ? t - list[i - 1] : 0)).slice(1).sort((a, b) => a - b);
    return steps[steps.length >> 1] ?? 0;
  }

  /** Resolves right after a picture was presented: the best moment for a change, the next one being as far away as can be. @param {number} timeoutMs */
  nextPicture(timeoutMs) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#element?.requestVideoFrameCallback(() => {
        clearTimeout(timer);
        resolve(undefined);
      });
      if (!this.#element) {
        clearTimeout(timer);
        resolve(undefined);
      }
    });
  }

  /**
   * @param {number} at performance.now() of the change @param {number} [to] when it was made for the last time
   * @returns {Promise<number | null>} ms; null when no picture is watched
   */
  async gap(at, to = at) {
    for (;;) {
      const rest = to + AROUND_MS - performance.now();
      const last = this.#times.at(-1) ?? 0;
      if (this.#over || !this.#element || (rest <= 0 && last > to) || rest < -LONGEST_MS) break;
      await new Promise((resolve) => setTimeout(resolve, Math.max(rest, 50)));
    }
    this.close();
    let gap = null;
    for (let i = 1; i < this.#times.length; i++) {
      const [from, to] = [this.#times[i - 1], this.#times[i]];
      if (to > at - AROUND_MS && from < to + AROUND_MS) gap = Math.max(gap ?? 0, to - from);
    }
    return gap === null ? null : Math.round(gap);
  }

  close() {
    this.#over = true;
  }
}
