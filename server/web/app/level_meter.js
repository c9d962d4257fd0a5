// server/web/app/level_meter.js: how loud the microphone is, as a bar and in words.

import { icon, make } from './dom.js';
import { text } from './i18n.js';

const INTERVAL_MS = 80;
/** Louder than a quiet room: somebody speaks. */
const SPEECH = 0.12;
/** Speech is about 30 dB below full scale; the bar shows -60 to 0 dB. */
const FLOOR_DB = -60;

export class LevelMeter {
  #bar = make('span', 'meter-level');
  #words = make('span', 'hint meter-words');
  #gauge = make('div', 'meter', this.#bar);
  element = make('div', 'meter-row', icon('microphone'), this.#gauge, this.#words);
  #timer = 0;
  /** @type {AudioContext | null} */ #context = null;
  /** @type {MediaStreamTrack | null} */ #track = null;

  constructor() {
    this.#gauge.setAttribute('role', 'meter');
    this.#gauge.setAttribute('aria-label', text('check.level'));
    this.#gauge.setAttribute('aria-valuemin', '0');
    this.#gauge.setAttribute('aria-valuemax', '100');
    this.#words.setAttribute('role', 'status');
    this.#set(0);
  }

  /** @param {MediaStreamTrack | null} track null: nothing to listen to */
  listen(track) {
    if (track === this.#track) return;
    this.#track = track;
    clearInterval(this.#timer);
    this.#context?.close().catch(() => {});
    this.#context = null;
    this.#set(0);
    if (!track) return;
    this.#words.textContent = text('check.speak');
    const context = new AudioContext();
    this.#context = context;
    context.resume().catch(() => {});
    const analyser = context.createAnalyser();
    analyser.fftSize = 1024;
    context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this.#timer = window.setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, s) => sum + s * s, 0) / samples.length;
      this.#set(power > 0 ? Math.max(0, 1 - (10 * Math.log10(power)) / FLOOR_DB) : 0);
    }, INTERVAL_MS);
  }

  /** @param {number} level 0 to 1 */
  #set(level) {
    this.#bar.style.width = `${Math.min(100, level * 100)}%`;
    this.#gauge.setAttribute('aria-valuenow', String(Math.round(level * 100)));
    if (level > SPEECH && this.#track) this.#words.textContent = text('check.weHear');
  }
}
