// server/web/sdk/view_observer.js: tells the server how large each remote video is shown, and whether it is seen at all.
//
// The server picks the simulcast layer from it, and a publisher stops encoding what nobody looks at. A track's size is
// that of its largest element, in device pixels; a page in the background sees nothing.

/** @typedef {import('./tracks.js').Track} Track */
/** @typedef {'high' | 'normal' | 'low'} Priority */
/** @typedef {{track: string, width: number, height: number, visible: boolean, priority: Priority}} ViewRequest */

/** A window that is being resized changes all the time; the server wants to hear of it a few times a second at most. */
const DEBOUNCE_MS = 200;
/** The protocol's limit of one view. */
const MAX_ENTRIES = 256;
const PICTURE_IN_PICTURE = { width: 480, height: 270 };

export class ViewObserver {
  /** @type {Map<string, {track: Track, elements: Set<Element>, off: () => void}>} by public track id */ #watched = new Map();
  /** @type {Map<string, Priority>} */ #priorities = new Map();
  /** @type {Set<Element>} */ #onScreen = new Set();
  #told = '';
  #timer = -1; // negative: nothing is told, not yet or not any more
  #send;
  #sizes = new ResizeObserver(() => this.#later());
  #intersections = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) this.#onScreen.add(target);
      else this.#onScreen.delete(target);
    }
    this.#later();
  });
  #onVisibility = () => this.#later();

  /** @param {(requests: ViewRequest[]) => Promise<unknown>} send */
  constructor(send) {
    this.#send = send;
    document.addEventListener('visibilitychange', this.#onVisibility);
    document.addEventListener('enterpictureinpicture', this.#onVisibility, true);
    document.addEventListener('leavepictureinpicture', this.#onVisibility, true);
  }

  /** @param {string} id public track id @param {Track} track */
  add(id, track) {
    this.remove(id);
    this.#watched.set(id, { track, elements: new Set(), off: track.on('elementsChanged', () => this.#observe(id)) });
    this.#observe(id);
  }

  /** @param {string} id */
  remove(id) {
    const watched = this.#watched.get(id);
    if (!watched) return;
    watched.off();
    for (const element of watched.elements) this.#unobserve(element);
    this.#watched.delete(id);
    this.#priorities.delete(id);
  }

  /** @param {string} id @param {Priority} priority */
  setPriority(id, priority) {
    this.#priorities.set(id, priority);
    this.#later();
  }

  /** The page knows the tracks and can show them: until then "not seen" would be no more than not yet attached. */
  begin() {
    this.#timer = 0;
    this.#later();
  }

  /** The server lost what it knew: say everything again. */
  reset() {
    this.#told = '';
    this.#later();
  }

  /** @param {string} id */
  #observe(id) {
    const watched = this.#watched.get(id);
    if (!watched) return;
    for (const element of [...watched.elements].filter((e) => !watched.track.elements.has(/** @type {HTMLMediaElement} */ (e)))) {
      watched.elements.delete(element);
      this.#unobserve(element);
    }
    for (const element of watched.track.elements) {
      watched.elements.add(element);
      this.#sizes.observe(element);
      this.#intersections.observe(element);
    }
    this.#later();
  }

  /** @param {Element} element */
  #unobserve(element) {
    // The same element may by now play another track.
    if ([...this.#watched.values()].some((w) => w.elements.has(element) && w.track.elements.has(/** @type {HTMLMediaElement} */ (element)))) return;
    this.#sizes.unobserve(element);
    this.#intersections.unobserve(element);
    this.#onScreen.delete(element);
  }

  #later() {
    if (this.#timer) return;
    this.#timer = window.setTimeout(() => {
      this.#timer = 0;
      this.#tell();
    }, DEBOUNCE_MS);
  }

  /** A view replaces the one before it whole. */
  #tell() {
    const requests = [...this.#watched].slice(-MAX_ENTRIES).map(([id, { track }]) => this.#measure(id, track));
    const text = JSON.stringify(requests);
    if (text === this.#told || (requests.length === 0 && this.#told === '')) return;
    this.#told = text;
    // Offline: the `sync` after it calls reset().
    this.#send(requests).catch(() => (this.#told = ''));
  }

  /** @param {string} id @param {Track} track @returns {ViewRequest} */
  #measure(id, track) {
    let width = 0;
    let height = 0;
    const scale = window.devicePixelRatio || 1;
    for (const element of track.elements) {
      const pip = document.pictureInPictureElement === element;
      if (!pip && (document.hidden || !this.#onScreen.has(element))) continue;
      const w = Math.round((pip ? PICTURE_IN_PICTURE.width : element.clientWidth) * scale);
      const h = Math.round((pip ? PICTURE_IN_PICTURE.height : element.clientHeight) * scale);
      if (w * h > width * height) [width, height] = [w, h];
    }
    return { track: id, width, height, visible: width > 0 && height > 0, priority: this.#priorities.get(id) ?? 'normal' };
  }

  close() {
    clearTimeout(this.#timer);
    this.#timer = -1;
    this.#sizes.disconnect();
    this.#intersections.disconnect();
    document.removeEventListener('visibilitychange', this.#onVisibility);
    document.removeEventListener('enterpictureinpicture', this.#onVisibility, true);
    document.removeEventListener('leavepictureinpicture', this.#onVisibility, true);
    for (const { off } of this.#watched.values()) off();
    this.#watched.clear();
  }
}
