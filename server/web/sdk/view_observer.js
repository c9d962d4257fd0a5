// server/web/sdk/view_observer.js: tells the server how large each remote video is shown, and whether it is seen at all.
//
// The server picks the simulcast layer from it, and a publisher stops encoding what nobody looks at. A track's size is
// that of its largest element, in device pixels; a page in the background sees nothing.

/** @typedef {import('./tracks.js').Track} Track */
/** @typedef {{track: string, width: number, height: number, visible: boolean, priority: 'high' | 'normal' | 'low'}} ViewRequest */

const DEBOUNCE_MS = 100;

export class ViewObserver {
  /** @type {Map<string, Track>} */ #tracks = new Map();
  /** @type {Map<string, 'high' | 'normal' | 'low'>} */ #priorities = new Map();
  /** @type {Map<string, string>} what the server knows, as JSON */ #told = new Map();
  /** @type {Map<string, () => void>} */ #offs = new Map();
  /** @type {Set<Element>} */ #onScreen = new Set();
  #timer = 0;
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
  }

  /** @param {string} id public track id @param {Track} track */
  add(id, track) {
    this.#tracks.set(id, track);
    this.#offs.set(id, track.on('elementsChanged', () => this.#observe(track)));
    this.#observe(track);
  }

  /** @param {string} id */
  remove(id) {
    this.#offs.get(id)?.();
    this.#offs.delete(id);
    for (const element of this.#tracks.get(id)?.elements ?? []) {
      this.#sizes.unobserve(element);
      this.#intersections.unobserve(element);
      this.#onScreen.delete(element);
    }
    this.#tracks.delete(id);
    this.#told.delete(id);
  }

  /** @param {string} id @param {'high' | 'normal' | 'low'} priority */
  setPriority(id, priority) {
    this.#priorities.set(id, priority);
    this.#later();
  }

  /** The server lost what it knew: say everything again. */
  reset() {
    this.#told.clear();
    this.#later();
  }

  /** @param {Track} track */
  #observe(track) {
    for (const element of track.elements) {
      this.#sizes.observe(element);
      this.#intersections.observe(element);
    }
    this.#later();
  }

  #later() {
    if (this.#timer) return;
    this.#timer = window.setTimeout(() => {
      this.#timer = 0;
      this.#tell();
    }, DEBOUNCE_MS);
  }

  #tell() {
    const requests = [];
    for (const [id, track] of this.#tracks) {
      const request = this.#measure(id, track);
      const text = JSON.stringify(request);
      if (this.#told.get(id) === text) continue;
      this.#told.set(id, text);
      requests.push(request);
    }
    if (requests.length > 0) this.#send(requests).catch(() => requests.forEach((r) => this.#told.delete(r.track)));
  }

  /** @param {string} id @param {Track} track @returns {ViewRequest} */
  #measure(id, track) {
    let width = 0;
    let height = 0;
    for (const element of track.elements) {
      const pip = document.pictureInPictureElement === element;
      if (!pip && (document.hidden || !this.#onScreen.has(element))) continue;
      const scale = window.devicePixelRatio || 1;
      const w = Math.round((pip ? 480 : element.clientWidth) * scale);
      const h = Math.round((pip ? 270 : element.clientHeight) * scale);
      if (w * h > width * height) [width, height] = [w, h];
    }
    return { track: id, width, height, visible: width > 0 && height > 0, priority: this.#priorities.get(id) ?? 'normal' };
  }

  close() {
    clearTimeout(this.#timer);
    this.#sizes.disconnect();
    this.#intersections.disconnect();
    document.removeEventListener('visibilitychange', this.#onVisibility);
    for (const off of this.#offs.values()) off();
  }
}
