// server/web/app/preview.js: one's own camera and microphone before the call: opened once, shown wherever an own picture
// belongs (lobby, calling, waiting), and handed to the room, so that nobody is asked twice and no camera starts twice.

import { captureBoth, captureDevice, ConsiliumError } from '../sdk/consilium.js';

/** @typedef {'audioinput' | 'videoinput'} Kind */
/** @typedef {'idle' | 'asking' | 'open' | 'refused'} PreviewState */

/** @type {Kind[]} */
const KINDS = ['audioinput', 'videoinput'];

class Preview extends EventTarget {
  /** @type {PreviewState} */
  state = 'idle';
  /** Whether it shall be sent in the call. @type {Record<Kind, boolean>} */
  wanted = { audioinput: true, videoinput: true };
  /** @type {Record<Kind, ConsiliumError | null>} */
  errors = { audioinput: null, videoinput: null };
  /** Chosen by the user. @type {Partial<Record<Kind, string>>} */
  devices = {};
  /** @type {Record<Kind, MediaStreamTrack | null>} */
  tracks = { audioinput: null, videoinput: null };
  /** @type {Set<HTMLVideoElement>} */ #elements = new Set();

  /** Opens what is wanted, if the user has not refused it before. Never throws: see `errors`. */
  async open() {
    if (this.state === 'asking') return;
    const missing = KINDS.filter((kind) => this.wanted[kind] && this.tracks[kind]?.readyState !== 'live');
    if (missing.length === 0) return;
    this.#be('asking');
    if (missing.length === 2) {
      const captured = await captureBoth(this.devices);
      for (const kind of KINDS) this.#took(kind, captured[kind]);
    } else {
      await this.#open(missing[0]);
    }
    this.#settle();
  }

  /** @param {Kind} kind */
  async #open(kind) {
    this.#took(kind, await captureDevice(kind, this.devices[kind]).catch((error) => error));
  }

  /** @param {Kind} kind @param {MediaStreamTrack | ConsiliumError} got */
  #took(kind, got) {
    this.tracks[kind]?.stop();
    const failed = got instanceof Error;
    this.errors[kind] = failed ? /** @type {ConsiliumError} */ (got) : null;
    this.tracks[kind] = failed ? null : got;
    if (!failed) got.addEventListener('ended', () => this.tracks[kind] === got && this.#lost(kind));
  }

  /** @param {Kind} kind */
  #lost(kind) {
    this.tracks[kind] = null;
    this.errors[kind] = new ConsiliumError('device_lost');
    this.#settle();
  }

  #settle() {
    const refused = KINDS.every((kind) => !this.wanted[kind] || this.errors[kind]?.code === 'permission_denied') && KINDS.some((kind) => this.errors[kind]);
    this.#be(refused ? 'refused' : KINDS.some((kind) => this.tracks[kind]) ? 'open' : 'idle');
  }

  /** @param {PreviewState} state */
  #be(state) {
    this.state = state;
    for (const element of this.#elements) this.#show(element);
    this.dispatchEvent(new Event('change'));
  }

  /** On or off, for the call and for the preview. @param {Kind} kind @param {boolean} on */
  async want(kind, on) {
    if (this.wanted[kind] === on) return;
    this.wanted[kind] = on;
    if (!on) {
      this.tracks[kind]?.stop();
      this.tracks[kind] = null;
    }
    if (on && this.state === 'open') await this.open();
    else this.#settle();
  }

  /** @param {Kind} kind @param {string} deviceId */
  async choose(kind, deviceId) {
    this.devices[kind] = deviceId;
    this.tracks[kind]?.stop(); // phones open one camera at a time
    await this.#open(kind);
    this.#settle();
  }

  /** Shows the camera in `element` for as long as it is attached. @param {HTMLVideoElement} element */
  attach(element) {
    element.muted = true;
    element.playsInline = true;
    this.#elements.add(element);
    this.#show(element);
    return () => {
      this.#elements.delete(element);
      element.srcObject = null;
    };
  }

  /** @param {HTMLVideoElement} element */
  #show(element) {
    const track = this.tracks.videoinput;
    const shown = element.srcObject instanceof MediaStream ? element.srcObject.getVideoTracks()[0] : null;
    element.parentElement?.classList.toggle('has-picture', track !== null);
    if (shown === track) return;
    element.srcObject = track && new MediaStream([track]);
    if (track) element.play().catch(() => {}); // taken off again meanwhile
  }

  /** Gives the tracks to the room, which stops them at its end. */
  take() {
    const { audioinput, videoinput } = this.tracks;
    this.tracks = { audioinput: null, videoinput: null };
    this.#settle();
    return { microphone: audioinput, camera: videoinput };
  }

  /** Devices off. */
  close() {
    for (const kind of KINDS) {
      this.tracks[kind]?.stop();
      this.tracks[kind] = null;
    }
    this.#settle();
  }
}

export const preview = new Preview();
