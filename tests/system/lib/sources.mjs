// tests/system/lib/sources.mjs: cameras and microphones made of numbers, and sinks that tell whose picture or tone arrives.

import { wrtc } from './packages.mjs';

const { RTCVideoSource, RTCVideoSink, RTCAudioSource, RTCAudioSink } = wrtc.nonstandard;
const RATE = 48_000;
const FRAMES_PER_CALL = RATE / 100;

/** Time that this process did not get: what passes while nothing here runs is no pause of the video. */
const TICK_MS = 20;
let starved = 0;
let ticked = performance.now();
setInterval(() => {
  const now = performance.now();
  starved += Math.max(0, now - ticked - 2 * TICK_MS);
  ticked = now;
}, TICK_MS).unref();

/** A bar that moves over a surface of one colour: `colour` is the value of its U plane, which a sink reads back. */
export class Camera {
  constructor({ width = 320, height = 180, fps = 15, colour = 128 } = {}) {
    this.source = new RTCVideoSource();
    this.track = this.source.createTrack();
    const frames = Array.from({ length: 8 }, (_, step) => picture(width, height, colour, step / 8));
    let n = 0;
    this.timer = setInterval(() => this.source.onFrame(frames[n++ % frames.length]), 1000 / fps);
  }

  stop() {
    clearInterval(this.timer);
    this.track.stop();
  }
}

function picture(width, height, colour, phase) {
  const data = new Uint8Array((width * height * 3) / 2);
  const bar = Math.floor(phase * width);
  for (let y = 0; y < height; y++) {
    data.fill(60 + ((y * 120) / height), y * width, (y + 1) * width);
    data.fill(220, y * width + bar, y * width + Math.min(width, bar + width / 16));
  }
  data.fill(colour, width * height, (width * height * 5) / 4);
  data.fill(128, (width * height * 5) / 4);
  return { width, height, data };
}

/** A tone of `hertz`. */
export class Microphone {
  constructor({ hertz = 400 } = {}) {
    this.source = new RTCAudioSource();
    this.track = this.source.createTrack();
    const began = performance.now();
    let sent = 0;
    const send = () => {
      const samples = Int16Array.from({ length: FRAMES_PER_CALL }, (_, i) => 8000 * Math.sin((2 * Math.PI * hertz * (sent * FRAMES_PER_CALL + i)) / RATE));
      this.source.onData({ samples, sampleRate: RATE, bitsPerSample: 16, channelCount: 1, numberOfFrames: FRAMES_PER_CALL });
      sent++;
    };
    // A late timer is made up for; after a long stop the lost time is not.
    this.timer = setInterval(() => {
      const due = Math.floor((performance.now() - began) / 10);
      if (due - sent > 20) sent = due - 1;
      while (sent < due) send();
    }, 10);
  }

  stop() {
    clearInterval(this.timer);
    this.track.stop();
  }
}

export class Screen {
  frames = 0;
  width = 0;
  height = 0;
  /** The middle of the U plane of the last frame. */
  colour = 0;
  #longest = 0;
  #last = performance.now();
  #starved = starved;

  constructor(track) {
    this.sink = new RTCVideoSink(track);
    this.sink.onframe = ({ frame }) => {
      this.#longest = this.gap();
      this.#begin();
      this.frames++;
      ({ width: this.width, height: this.height } = frame);
      const chroma = Math.ceil(this.width / 2);
      this.colour = frame.data[this.width * this.height + (Math.floor(this.height / 4) * chroma) + Math.floor(chroma / 2)];
    };
  }

  #begin() {
    this.#last = performance.now();
    this.#starved = starved;
  }

  /** Longest time without a frame since restart(), the running one included, ms. */
  gap() {
    return Math.max(this.#longest, performance.now() - this.#last - (starved - this.#starved));
  }

  restart() {
    this.#longest = 0;
    this.#begin();
  }

  stop() {
    this.sink.stop();
  }
}

export class Ear {
  #recent = [];

  constructor(track) {
    this.sink = new RTCAudioSink(track);
    this.sink.ondata = ({ samples, sampleRate, channelCount }) => {
      this.#recent.push({ samples: Float64Array.from(samples.filter((_, i) => i % channelCount === 0)), sampleRate });
      if (this.#recent.length > 10) this.#recent.shift();
    };
  }

  /** Whether `hertz` is what is heard: its share of the energy of the last 100 ms (Goertzel). */
  hears(hertz) {
    if (this.#recent.length < 10) return false;
    const { sampleRate } = this.#recent[0];
    const all = this.#recent.flatMap((r) => [...r.samples]);
    const total = all.reduce((sum, x) => sum + x * x, 0);
    const c = 2 * Math.cos((2 * Math.PI * hertz) / sampleRate);
    let a = 0;
    let b = 0;
    for (const x of all) [a, b] = [x + c * a - b, a];
    const power = (a * a + b * b - c * a * b) / (all.length / 2);
    return total / all.length > 1000 && power / total > 0.5;
  }

  stop() {
    this.sink.stop();
  }
}
