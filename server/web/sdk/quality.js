// server/web/sdk/quality.js: how good our own connection to the server is, from what the browser measures.
//
// The rule, in words: poor above 8 % loss or 500 ms round trip, fair above 3 % or 250 ms, good below. Loss is the larger
// of both directions over the last interval; a worse grade counts at once, a better one when it has held for two intervals.

const INTERVAL_MS = 2000;
const POOR = { loss: 0.08, rtt: 0.5 };
const FAIR = { loss: 0.03, rtt: 0.25 };
/** Fewer packets say nothing about loss. */
const ENOUGH_PACKETS = 50;
const HOLD_INTERVALS = 2;

/** @typedef {'good' | 'fair' | 'poor'} ConnectionQuality */
/** @type {ConnectionQuality[]} */
const GRADES = ['poor', 'fair', 'good'];

export class QualityMeter {
  /** @type {ConnectionQuality} */
  quality = 'good';
  #received = 0;
  #lost = 0;
  #better = 0;
  #timer;

  /** @param {() => Promise<RTCStatsReport>} stats @param {(quality: ConnectionQuality) => void} changed */
  constructor(stats, changed) {
    this.#timer = window.setInterval(async () => {
      const report = await stats().catch(() => null);
      if (report && this.#take(this.#measure(report))) changed(this.quality);
    }, INTERVAL_MS);
  }

  /** @param {RTCStatsReport} report @returns {ConnectionQuality} */
  #measure(report) {
    let received = 0;
    let lost = 0;
    let loss = 0;
    let rtt = 0;
    for (const entry of report.values()) {
      if (entry.type === 'inbound-rtp') {
        received += entry.packetsReceived ?? 0;
        lost += Math.max(0, entry.packetsLost ?? 0);
      } else if (entry.type === 'remote-inbound-rtp') {
        loss = Math.max(loss, entry.fractionLost ?? 0);
        rtt = Math.max(rtt, entry.roundTripTime ?? 0);
      } else if (entry.type === 'candidate-pair' && entry.nominated && entry.state === 'succeeded') {
        rtt = Math.max(rtt, entry.currentRoundTripTime ?? 0);
      }
    }
    // A new connection counts from zero again.
    const packets = Math.max(0, received - this.#received);
    const gone = Math.max(0, lost - this.#lost);
    [this.#received, this.#lost] = [received, lost];
    if (packets + gone >= ENOUGH_PACKETS) loss = Math.max(loss, gone / (packets + gone));
    if (loss > POOR.loss || rtt > POOR.rtt) return 'poor';
    return loss > FAIR.loss || rtt > FAIR.rtt ? 'fair' : 'good';
  }

  /** @param {ConnectionQuality} grade @returns {boolean} whether the quality changed */
  #take(grade) {
    const better = GRADES.indexOf(grade) > GRADES.indexOf(this.quality);
    this.#better = better ? this.#better + 1 : 0;
    if (grade === this.quality || (better && this.#better < HOLD_INTERVALS)) return false;
    this.#better = 0;
    this.quality = grade;
    return true;
  }

  close() {
    clearInterval(this.#timer);
  }
}
