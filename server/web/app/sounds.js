// server/web/app/sounds.js: the sounds of the pages, made with WebAudio: ringing for who is called, the calling tone for who
// calls, a chime to test the speaker; and which speaker plays them.

/** Seconds of a pattern: [when, how long, pitches in Hz]. @typedef {[at: number, length: number, pitches: number[]]} Note */
/** @type {{period: number, notes: Note[]}} */
const RING = { period: 3, notes: [[0, 0.35, [659, 831]], [0.4, 0.35, [784, 988]], [0.9, 0.35, [659, 831]], [1.3, 0.5, [784, 988]]] };
/** @type {{period: number, notes: Note[]}} */
const CALLING = { period: 4, notes: [[0, 1, [425]]] };
/** @type {{period: number, notes: Note[]}} */
const CHIME = { period: 1.2, notes: [[0, 0.5, [523]], [0.25, 0.5, [659]], [0.5, 0.7, [784]]] };
const VOLUME = 0.12;
const FADE_S = 0.03;

/** @type {string} the chosen speaker; empty: the system's */
let speaker = '';
/** @type {AudioContext | null} */
let context = null;

/** @returns {Promise<AudioContext>} */
async function audio() {
  context ??= new AudioContext();
  const sink = /** @type {{setSinkId?: (id: string) => Promise<void>, sinkId?: unknown}} */ (/** @type {unknown} */ (context));
  if (sink.setSinkId && sink.sinkId !== speaker) await sink.setSinkId(speaker).catch(() => {});
  // Without a gesture the browser may keep it silent: not waited for.
  context.resume().catch(() => {});
  return context;
}

/** @param {AudioContext} on @param {Note[]} notes @param {AudioNode} out */
function play(on, notes, out) {
  for (const [at, length, pitches] of notes) {
    for (const pitch of pitches) {
      const tone = on.createOscillator();
      const gain = on.createGain();
      const begin = on.currentTime + 0.05 + at;
      tone.frequency.value = pitch;
      gain.gain.setValueAtTime(0, begin);
      gain.gain.linearRampToValueAtTime(VOLUME, begin + FADE_S);
      gain.gain.setValueAtTime(VOLUME, begin + length - FADE_S);
      gain.gain.linearRampToValueAtTime(0, begin + length);
      tone.connect(gain).connect(out);
      tone.start(begin);
      tone.stop(begin + length);
    }
  }
}

/** @param {{period: number, notes: Note[]}} pattern @param {string} name @returns {() => void} stops it */
function repeat(pattern, name) {
  let stopped = false;
  let timer = 0;
  /** @type {GainNode | null} */ let out = null;
  document.body.dataset.sound = name;
  audio().then((on) => {
    if (stopped) return;
    out = on.createGain();
    out.connect(on.destination);
    const once = () => play(on, pattern.notes, /** @type {GainNode} */ (out));
    once();
    timer = window.setInterval(once, pattern.period * 1000);
  });
  return () => {
    if (stopped) return;
    stopped = true;
    clearInterval(timer);
    out?.disconnect();
    if (document.body.dataset.sound === name) delete document.body.dataset.sound;
  };
}

/** Somebody calls. */
export const ring = () => repeat(RING, 'ring');

/** We call, and it rings there. */
export const callingTone = () => repeat(CALLING, 'calling');

/** @returns {Promise<void>} when it has been played */
export async function chime() {
  const on = await audio();
  play(on, CHIME.notes, on.destination);
  await new Promise((resolve) => setTimeout(resolve, CHIME.period * 1000));
}

/** Plays everything on this speaker from now on, the call's sound too, also of who comes later. @param {string} deviceId */
export async function chooseSpeaker(deviceId) {
  speaker = deviceId;
  await Promise.all([...document.querySelectorAll('audio')].map((element) => element.setSinkId(speaker)));
}

/** Empty: the system's. */
export const chosenSpeaker = () => speaker;

/** @param {HTMLMediaElement} element */
function applySpeaker(element) {
  if (speaker && element.sinkId !== speaker) element.setSinkId(speaker).catch(() => {}); // unplugged: the system's
}

/** The call's sound elements come and go in `container`. @param {HTMLElement} container */
export function watchSounds(container) {
  new MutationObserver(() => {
    for (const element of container.querySelectorAll('audio')) applySpeaker(element);
  }).observe(container, { childList: true });
}

/** Whether this browser lets a page choose. */
export const canChooseSpeaker = () => 'setSinkId' in HTMLMediaElement.prototype;
