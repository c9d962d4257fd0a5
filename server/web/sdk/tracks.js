// server/web/sdk/tracks.js: a published source (camera, microphone, screen, screen sound) as the page handles it.
//
// A Track outlives the transport beneath it: whether its media comes over the server or directly, and in whichever slot,
// the same Track object and the same elements stay; only the MediaStreamTrack behind them is exchanged.

import { Emitter } from './emitter.js';
import { revealWhenFresh } from './fresh_frame.js';

/** @typedef {'microphone' | 'camera' | 'screen' | 'screenAudio'} Source */
/** @typedef {{track: string, source: Source, kind: 'audio' | 'video', muted: boolean, width?: number, height?: number}} TrackInfo */
/** @typedef {{
 *   mediaChanged: [mediaStreamTrack: MediaStreamTrack | null],
 *   firstFrame: [],
 *   elementsChanged: [],
 *   playbackChanged: [],
 * }} TrackEvents */

/** @extends {Emitter<TrackEvents>} */
export class Track extends Emitter {
  /** @type {Set<HTMLMediaElement>} */ #elements = new Set();
  /** @type {MediaStreamTrack | null} */ #media = null;
  /** @type {Set<HTMLMediaElement>} elements that the browser refuses to start */ #blocked = new Set();
  /** @type {Map<HTMLMediaElement, () => void>} elements that wait for a picture of this track */ #waiting = new Map();
  /** @type {number | null} pictures from before are somebody else's; null: all are this track's own */ #since = null;

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

  /** True while the browser wants a gesture of the user before it plays this: see Room.startAudio. */
  get playbackBlocked() {
    return this.#blocked.size > 0;
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
      this.#clear(e);
      this.#unblock(e);
    }
    this.emit('elementsChanged');
  }

  /**
   * @internal
   * @param {MediaStreamTrack | null} media in place of other media of the same source: elements go on without an interruption
   * @param {number | null} [since] for media that showed somebody else until then (performance.now())
   */
  _setMedia(media, since = null) {
    if (media === this.#media) return;
    const seamless = this.#media !== null && media !== null && since === null;
    this.#media = media;
    this.#since = media ? since : null;
    for (const element of this.#elements) {
      if (seamless && element.srcObject instanceof MediaStream) exchange(element.srcObject, /** @type {MediaStreamTrack} */ (media));
      else this.#show(element);
    }
    this.emit('mediaChanged', media);
  }

  /** @internal Starts what the browser refused; to be called in a gesture. */
  async _play() {
    await Promise.all([...this.#elements].filter((e) => e.srcObject).map((e) => this.#play(e)));
  }

  /** @param {HTMLMediaElement} element */
  #show(element) {
    this.#clear(element);
    if (!this.#media) return;
    element.srcObject = new MediaStream([this.#media]);
    if (this.#since !== null && element instanceof HTMLVideoElement) {
      this.#waiting.set(element, revealWhenFresh(element, this.#since, () => this.#fresh()));
    }
    this.#play(element);
  }

  /** One element has shown the track's own picture: whatever plays it may be seen. */
  #fresh() {
    this.#since = null;
    for (const reveal of this.#waiting.values()) reveal();
    this.#waiting.clear();
    this.emit('firstFrame');
  }

  /** @param {HTMLMediaElement} element */
  #clear(element) {
    element.srcObject = null;
    this.#waiting.get(element)?.();
    this.#waiting.delete(element);
  }

  /** @param {HTMLMediaElement} element */
  async #play(element) {
    try {
      await element.play();
      this.#unblock(element);
    } catch (error) {
      // Any other refusal (AbortError: another source came meanwhile) is not the user's to lift.
      if (!(error instanceof DOMException) || error.name !== 'NotAllowedError' || !this.#elements.has(element)) return;
      this.#blocked.add(element);
      this.emit('playbackChanged');
    }
  }

  /** @param {HTMLMediaElement} element */
  #unblock(element) {
    if (this.#blocked.delete(element)) this.emit('playbackChanged');
  }
}

/** Firefox chooses another picture of a stream only when one is added while none is chosen. */
const CHOOSES_WHAT_IS_ADDED = 'mozCaptureStream' in HTMLMediaElement.prototype;

/**
 * The element that plays `stream` never finds it empty, so it neither stops nor clears its picture.
 * @param {MediaStream} stream @param {MediaStreamTrack} media in place of what is in it
 */
function exchange(stream, media) {
  const before = stream.getTracks();
  const bridge = CHOOSES_WHAT_IS_ADDED && media.kind === 'video' ? media.clone() : null;
  if (bridge) {
    stream.addTrack(bridge);
    for (const track of before) stream.removeTrack(track);
  }
  stream.addTrack(media);
  for (const track of bridge ? [bridge] : before) stream.removeTrack(track);
  bridge?.stop();
}

/** A publication: that somebody shares a source, whether or not its media reaches us at the moment. */
export class TrackPublication {
  /** @param {TrackInfo} info @param {Track} track */
  constructor(info, track) {
    /** the public track id; of one's own, empty until the server has named it */
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
