// server/web/app/pointers.js: pointing at the pictures with mouse, pen or finger, and the named pointers of all over them.

import { Pointer } from '../sdk/consilium.js';
import { contentBox, fromPicture, toPicture } from './content_box.js';
import { find, hueOf, make } from './dom.js';
import { text } from './i18n.js';
import { toast } from './toast.js';

/** @typedef {import('../sdk/consilium.js').Room} Room */
/** @typedef {import('./grid.js').Grid} Grid */
/** @typedef {import('./tile.js').Tile} Tile */
/** @typedef {import('./tile.js').Participant} Participant */
/** @typedef {{element: HTMLElement, track: string, x: number, y: number}} Shown */

export class Pointers {
  pointing = false;
  #room;
  #grid;
  #pointer;
  #changed;
  #stage = find('grid');
  /** @type {Map<Participant, Shown>} */ #shown = new Map();
  #resized = new ResizeObserver(() => this.#placeAll());
  #stop = new AbortController();

  /** @param {Room} room @param {Grid} grid @param {() => void} changed pointing was turned on or off */
  constructor(room, grid, changed) {
    this.#room = room;
    this.#grid = grid;
    this.#changed = changed;
    this.#pointer = new Pointer(room);
    this.#pointer.on('moved', ({ participant, track, x, y }) => this.#show(participant, track, x, y));
    this.#pointer.on('gone', (participant) => this.#hide(participant));
    this.#resized.observe(this.#stage);
    const { signal } = this.#stop;
    for (const event of /** @type {const} */ (['pointermove', 'pointerdown'])) this.#stage.addEventListener(event, (e) => this.#onMove(e), { signal });
    for (const event of /** @type {const} */ (['pointerleave', 'pointerup', 'pointercancel'])) this.#stage.addEventListener(event, (e) => this.#onEnd(e), { signal });
    this.#stage.addEventListener('resize', () => this.#placeAll(), { signal, capture: true }); // a video has another size
    this.#stage.addEventListener('transitionend', () => this.#placeAll(), { signal }); // a tile has arrived at its new place
    document.addEventListener('fullscreenchange', () => this.#placeAll(), { signal });
    document.addEventListener('keydown', (e) => e.key === 'Escape' && this.pointing && !document.querySelector('dialog[open], .menu') && this.toggle(), { signal });
    this.#stage.classList.remove('pointing');
  }

  close() {
    this.#stop.abort();
    this.#resized.disconnect();
    this.#pointer.close();
    for (const participant of [...this.#shown.keys()]) this.#hide(participant);
  }

  toggle() {
    this.pointing = !this.pointing;
    this.#stage.classList.toggle('pointing', this.pointing);
    if (this.pointing) toast(text(matchMedia('(pointer: coarse)').matches ? 'pointer.onTouch' : 'pointer.on'), 'pointer');
    else this.#away();
    this.#changed();
  }

  // ---- our own -----------------------------------------------------------------------------------------------------

  /** @param {PointerEvent} event */
  #onMove(event) {
    if (!this.pointing) return;
    const target = /** @type {Element} */ (event.target);
    const tile = target.closest('button') ? undefined : this.#grid.tileOf(target);
    const place = tile && this.#placeIn(tile, event);
    const { publication } = tile ?? {};
    if (!place || !publication?.id || publication.muted) {
      this.#away();
      return;
    }
    this.#pointer.point(publication.id, place.x, place.y);
    this.#show(this.#room.localParticipant, publication.id, place.x, place.y);
  }

  /** A finger that is lifted leaves the pointer until it fades. @param {PointerEvent} event */
  #onEnd(event) {
    if (this.pointing && (event.type !== 'pointerup' || event.pointerType === 'touch')) this.#away();
  }

  #away() {
    this.#pointer.hide();
    this.#hide(this.#room.localParticipant);
  }

  /** @param {Tile} tile @param {PointerEvent} event */
  #placeIn(tile, event) {
    const box = boxOf(tile);
    if (!box) return null;
    const { left, top } = tile.element.getBoundingClientRect();
    return toPicture(box, event.clientX - left, event.clientY - top, tile.mirrored);
  }

  // ---- everybody's -------------------------------------------------------------------------------------------------

  /** @param {Participant} participant @param {string} track @param {number} x @param {number} y */
  #show(participant, track, x, y) {
    let shown = this.#shown.get(participant);
    if (!shown) {
      const element = make('div', 'pointer', make('span', 'pointer-dot'), make('span', 'pointer-name'));
      element.dataset.participant = participant.id;
      element.dataset.hue = hueOf(participant.identity);
      shown = { element, track, x, y };
      this.#shown.set(participant, shown);
    }
    Object.assign(shown, { track, x, y });
    const name = /** @type {HTMLElement} */ (shown.element.lastElementChild);
    const words = participant === this.#room.localParticipant ? text('room.self') : participant.name;
    if (name.textContent !== words) name.textContent = words;
    this.#place(shown);
  }

  /** @param {Participant} participant */
  #hide(participant) {
    const element = this.#shown.get(participant)?.element;
    this.#shown.delete(participant);
    if (!element) return;
    element.classList.add('fading');
    const fades = element.getAnimations();
    if (fades.length === 0) element.remove(); // not in sight, or no motion is wanted
    else Promise.allSettled(fades.map((a) => a.finished)).then(() => element.remove());
  }

  #placeAll() {
    for (const shown of this.#shown.values()) this.#place(shown);
  }

  /** @param {Shown} shown */
  #place({ element, track, x, y }) {
    const tile = this.#grid.showing(track);
    const box = tile && boxOf(tile);
    if (!tile || !box || tile.element.hidden) {
      element.remove(); // not on our screen
      return;
    }
    const { left, top } = fromPicture(box, x, y, tile.mirrored);
    const { clientWidth, clientHeight } = tile.element;
    // What our cut of the picture does not show is pointed at from its edge.
    const [shownLeft, shownTop] = [Math.max(0, Math.min(clientWidth, left)), Math.max(0, Math.min(clientHeight, top))];
    element.classList.toggle('leftward', shownLeft > clientWidth * 0.7);
    element.classList.toggle('outside', shownLeft !== left || shownTop !== top);
    element.style.transform = `translate(${shownLeft.toFixed(1)}px, ${shownTop.toFixed(1)}px)`;
    if (element.parentElement !== tile.overlay) tile.overlay.append(element);
  }
}

/** @param {Tile} tile */
function boxOf({ video }) {
  return contentBox(video.clientWidth, video.clientHeight, video.videoWidth, video.videoHeight, getComputedStyle(video).objectFit);
}
