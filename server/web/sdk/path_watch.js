// server/web/sdk/path_watch.js: notices that a connection which worked brings nothing any more, long before ICE does.
//
// ICE asks for consent every few seconds and waits half a minute; packets of sound come every 20 ms. Only what arrived is
// judged, never a timer alone: a page whose timers were held up looks at the counters first.

const POLL_MS = 300;
const STALL_MS = 1000;

export class PathWatch {
  /** performance.now() when packets were last known to arrive */
  lastArrival = performance.now();
  #packets = -1;
  #timer;

  /**
   * @param {RTCPeerConnection} pc
   * @param {() => boolean} expected whether the other one sends anything at present
   * @param {() => void} stalled called once
   */
  constructor(pc, expected, stalled) {
    this.#timer = window.setInterval(async () => {
      const asked = performance.now();
      const packets = await packetsOf(pc);
      const idle = !expected() && pc.connectionState === 'connected';
      if (idle || packets !== this.#packets) {
        this.#packets = packets;
        this.lastArrival = asked;
      } else if (asked - this.lastArrival >= STALL_MS && this.#timer) {
        this.close();
        stalled();
      }
    }, POLL_MS);
  }

  close() {
    clearInterval(this.#timer);
    this.#timer = 0;
  }
}

/** @param {RTCPeerConnection} pc */
async function packetsOf(pc) {
  let packets = 0;
  for (const entry of (await pc.getStats()).values()) if (entry.type === 'inbound-rtp') packets += entry.packetsReceived ?? 0;
  return packets;
}
