// server/web/sdk/tracks.js: a published source (camera, microphone, screen, screen sound) as the page handles it.
//
// A Track outlives the transport beneath it: whether its media comes over the server or directly, and in whichever slot,
// the same Track object and the same elements stay; only the MediaStreamTrack behind them is exchanged.

import { Emitter } from './emitter.js';

/** @typedef {'microphone' | 'camera' | 'screen' | 'screenAudio'} Source */
/** @typedef {{track: string, source: Source, kind: 'audio' | 'video', muted: boolean, width?: number, height?: number}} TrackInfo */
/** @typedef {{ mediaChanged: [mediaStreamTrack: MediaStreamTrack | null], elementsChanged: [] }} TrackEvents */

/** @extends {Emitter<TrackEvents>} */
export class Track extends Emitter {
  /** @type {Set<HTMLMediaElement>} */ #elements = new Set();
  /** @type {MediaStreamTrack | null} */ #media = null;

  /**
   * @param {Source} source
   * @param {'audio' | 'video'} kind
   * @param {string} participant its public id, for `data-participant`
   */
  constructor(source, kind, participant) {
    super();
    this.source = source;
    this.kind = kind;
    this.participant = participant;
  }

  /** What plays now; null while nothing is sent to us. */
  get mediaStreamTrack() {
    return this.#media;
  }

  /** @returns {ReadonlySet<HTMLMediaElement>} */
  get elements() {
    return this.#elements;
  }

  /**
   * Plays the track in `element`, or in a new <video> or <audio>. The element keeps playing across changes of transport.
   * @param {HTMLMediaElement} [element]
   * @returns {HTMLMediaElement}
   */
  attach(element = document.createElement(this.kind)) {
    element.autoplay = true;
    if (element instanceof HTMLVideoElement) {
      element.playsInline = true;
      element.muted = true; // sound has elements of its own; a muted video may always start by itself
    }
    element.dataset.participant = this.participant;
    element.dataset.source = this.source;
    this.#elements.add(element);
    this.#show(element);
    this.emit('elementsChanged');
    return element;
  }

  /**
   * Takes the track off `element`, or off every element.
   * @param {HTMLMediaElement} [element]
   */
  detach(element) {
    for (const e of element ? [element] : [...this.#elements]) {
      if (!this.#elements.delete(e)) continue;
      e.srcObject = null;
    }
    this.emit('elementsChanged');
  }

  /** @internal @param {MediaStreamTrack | null} media */
  _setMedia(media) {
    if (media === this.#media) return;
    this.#media = media;
    for (const element of this.#elements) this.#show(element);
    this.emit('mediaChanged', media);
  }

  /** @param {HTMLMediaElement} element */
  #show(element) {
    element.srcObject = this.#media ? new MediaStream([this.#media]) : null;
    if (this.#media) element.play().catch(() => {}); // refused until a gesture: see Room.startAudio
  }
}

/** A publication: that somebody shares a source, whether or not its media reaches us at the moment. */
export class TrackPublication {
  /** @param {TrackInfo} info @param {Track} track */
  constructor(info, track) {
    this.id = info.track;
    this.source = info.source;
    this.kind = info.kind;
    this.muted = info.muted;
    this.track = track;
  }

  /** True while media can arrive (a slot is assigned); always true of one's own. */
  get subscribed() {
    return this.track.mediaStreamTrack !== null;
  }
}
