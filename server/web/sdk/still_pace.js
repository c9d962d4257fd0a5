// server/web/sdk/still_pace.js: how much of a picture may be under way, so that it takes only what sound and video leave.
//
// Like LEDBAT (RFC 6817): the round trip of each piece is compared with the shortest one seen; what is above it is a queue that
// we made. Below TARGET_MS of queue the window grows, above it shrinks. Sound is sent without such a window and so goes first.

/** RFC 6817 section 2.5 allows at most 100 ms; a conversation wants less. */
const TARGET_MS = 50;
/** A piece is sent in one go, so on a thin link it must be small: a packet at least, a quarter of the window as a rule. */
const SMALLEST_PIECE_BYTES = 1150;
const LARGEST_PIECE_BYTES = 8192;
const LEAST_BYTES = 2 * SMALLEST_PIECE_BYTES;
/** The least of so many round trips is the queue; the others waited for a busy machine (RFC 6817 section 3.4.2, CURRENT_FILTER). */
const FILTER = 4;
/** What waits at the server for a slow receiver is dropped beyond 1 MiB. */
const MOST_BYTES = 262_144;
/** The shortest round trip is forgotten after a while: the route may have changed (RFC 6817 section 4.2). */
const BASE_MS = 120_000;

export class StillPace {
  windowBytes = 4 * SMALLEST_PIECE_BYTES;
  #base = Infinity;
  #baseAt = 0;
  #shrunkAt = -Infinity;
  /** @type {number[]} */ #recent = [];

  /** How large the next piece may be. */
  get pieceBytes() {
    return Math.round(Math.max(SMALLEST_PIECE_BYTES, Math.min(LARGEST_PIECE_BYTES, this.windowBytes / 4)));
  }

  /**
   * A piece was acknowledged.
   * @param {number} rttMs @param {number} nowMs @param {boolean} weak the connection is weak: as little as possible
   */
  acknowledged(rttMs, nowMs, weak) {
    if (rttMs < this.#base || nowMs - this.#baseAt > BASE_MS) [this.#base, this.#baseAt] = [rttMs, nowMs];
    this.#recent = [...this.#recent.slice(1 - FILTER), rttMs];
    const queue = Math.min(...this.#recent) - this.#base;
    if (weak) {
      this.windowBytes = LEAST_BYTES;
    } else if (queue <= TARGET_MS) {
      const gain = 1 - queue / TARGET_MS;
      this.windowBytes += (gain * this.pieceBytes ** 2) / this.windowBytes;
    } else if (nowMs - this.#shrunkAt > rttMs) {
      this.windowBytes *= 0.7; // once per round trip: the pieces behind this one met the same queue
      this.#shrunkAt = nowMs;
    }
    this.windowBytes = Math.max(LEAST_BYTES, Math.min(MOST_BYTES, this.windowBytes));
  }

  /** Nothing comes back: whatever the path was, it may be another one now. */
  stalled() {
    this.windowBytes = LEAST_BYTES;
    this.#base = Infinity;
    this.#recent = [];
  }
}
