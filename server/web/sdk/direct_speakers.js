// server/web/sdk/direct_speakers.js: who speaks while two talk directly: the server, which says it otherwise, hears nothing then.

const INTERVAL_MS = 200;
/** Of full scale: about −36 dB, above what a quiet room makes. */
const SPEECH = 0.015;
/** So long a pause still belongs to the same speech. */
const HOLD_MS = 1000;

/** @typedef {{participant: string, level: number}} Speaker */

export class DirectSpeakers {
  /** @type {Map<string, number>} when each was last heard */ #heard = new Map();
  #told = '';
  #timer;

  /**
   * @param {() => Promise<Speaker[]>} levels of everybody, 0 to 1
   * @param {(speakers: Speaker[]) => void} tell loudest first, when it is others than before
   */
  constructor(levels, tell) {
    this.#timer = window.setInterval(async () => {
      const all = await levels().catch(() => []);
      if (!this.#timer) return;
      const now = performance.now();
      for (const { participant, level } of all) if (level >= SPEECH) this.#heard.set(participant, now);
      const speaking = all.filter((s) => now - (this.#heard.get(s.participant) ?? -HOLD_MS) < HOLD_MS).sort((a, b) => b.level - a.level);
      const ids = speaking.map((s) => s.participant).sort().join(' ');
      if (ids === this.#told) return;
      this.#told = ids;
      tell(speaking);
    }, INTERVAL_MS);
  }

  close() {
    clearInterval(this.#timer);
    this.#timer = 0;
  }
}
