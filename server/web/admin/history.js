// server/web/admin/history.js: what flows in a room, second by second, for the plots: the last minutes of each flow, no more.

/** @typedef {import('./room_card.js').Person} Person */
/** @typedef {'bitrate' | 'loss' | 'rtt' | 'layer'} Measure */
/** `kbit/s`, percent, ms, and 0 none … 3 full. @typedef {Record<Measure, number | null>} Sample */
/** @typedef {{label: string, samples: Map<number, Sample>}} Flow `samples` by second */

export const SECONDS = 180;
const MOST_FLOWS = 64;
const LAYERS = ['', 'q', 'h', 'f'];

export class PersonHistory {
  /** @type {Map<string, Flow>} */
  flows = new Map();
  /** @type {number[]} */
  seconds = [];

  /**
   * @param {Person} person @param {Person[]} people
   * @param {(flow: {source: string, from: string | null}) => string} label `from`: null for what the person sends
   */
  take(person, people, label) {
    const second = Math.floor(Date.now() / 1000);
    if (this.seconds.at(-1) === second) return;
    this.seconds.push(second);
    if (this.seconds.length > SECONDS) this.seconds.shift();
    for (const track of person.tracks) {
      const live = (track.received ?? []).filter((r) => r.live);
      const bps = live.reduce((sum, r) => sum + r.bitrateBps, 0);
      const best = Math.max(0, ...live.map((r) => LAYERS.indexOf(r.rid)));
      this.#add(`out ${track.track}`, label({ source: track.source, from: null }), second, {
        bitrate: bps / 1000, loss: 100 * Math.max(0, ...live.map((r) => r.lossFraction)), rtt: null, layer: track.kind === 'video' && live.length > 0 ? best : null,
      });
    }
    for (const sent of person.sent ?? []) {
      const slot = person.slots.find((s) => s.mid === sent.mid);
      if (!slot?.participant || !slot.source) continue;
      const from = people.find((p) => p.participant === slot.participant)?.name ?? '';
      this.#add(`in ${slot.participant} ${slot.source}`, label({ source: slot.source, from }), second, {
        bitrate: sent.bitrateBps / 1000, loss: 100 * sent.lossFraction, rtt: sent.rttUs > 0 ? sent.rttUs / 1000 : null,
        layer: ['camera', 'screen'].includes(slot.source) ? Math.max(0, LAYERS.indexOf(sent.layer)) : null,
      });
    }
    for (const [key, flow] of this.flows) {
      for (const at of flow.samples.keys()) if (at < (this.seconds[0] ?? 0)) flow.samples.delete(at);
      if (flow.samples.size === 0) this.flows.delete(key);
    }
  }

  /** @param {string} key @param {string} label @param {number} second @param {Sample} sample */
  #add(key, label, second, sample) {
    let flow = this.flows.get(key);
    if (!flow) {
      if (this.flows.size >= MOST_FLOWS) return;
      flow = { label, samples: new Map() };
      this.flows.set(key, flow);
    }
    flow.label = label;
    flow.samples.set(second, sample);
  }

  /** @param {Measure} measure @returns {{labels: string[], keys: string[], columns: (number | null)[][]}} seconds first; only flows that have it */
  columns(measure) {
    const flows = [...this.flows].filter(([, f]) => [...f.samples.values()].some((s) => s[measure] !== null));
    return {
      keys: flows.map(([key]) => key),
      labels: flows.map(([, f]) => f.label),
      columns: [this.seconds, ...flows.map(([, f]) => this.seconds.map((s) => f.samples.get(s)?.[measure] ?? null))],
    };
  }
}

/** How a room's topology changed while somebody looked. */
export class TopologyLog {
  /** @type {{at: number, topology: string}[]} */
  changes = [];

  /** @param {string} topology @returns {boolean} whether it is another one */
  take(topology) {
    if (this.changes.at(-1)?.topology === topology) return false;
    this.changes.push({ at: Date.now(), topology });
    if (this.changes.length > 20) this.changes.shift();
    return true;
  }
}
