// server/web/app/grid.js: the tiles on the stage: who has one, which is large, and where each stands (layout.js).
//
// Tiles never change their parent: a <video> that is moved in the document stops. They are placed by left, top, width, height.

import { find, make } from './dom.js';
import { text } from './i18n.js';
import { layout } from './layout.js';
import { Tile } from './tile.js';

/** @typedef {import('../sdk/consilium.js').Room} Room */
/** @typedef {import('./tile.js').Participant} Participant */
/** @typedef {import('./menu.js').MenuItem} MenuItem */
/** `grid`: everybody alike; `speaker`: who speaks is large. @typedef {'grid' | 'speaker'} View */
/** @typedef {{key: string, participant: Participant, source: 'camera' | 'screen', own: boolean}} Wanted */

export class Grid {
  /** @type {Map<string, Tile>} */ #tiles = new Map();
  /** @type {Map<string, number>} when each was last heard, by participant id */ #spoke = new Map();
  /** @type {string[]} */ #order = [];
  #grid = find('grid');
  #more = make('div', 'tile more-people');
  #room;
  #menu;
  #invitation;
  #resized = new ResizeObserver(() => this.#place());
  /** @type {string | null} key of the tile that the user made large */ #pinned = null;
  /** @type {string | null} of the tile that is large now, for whatever reason */ #focused = null;
  /** @type {import('../sdk/consilium.js').TrackPublication | undefined} what is served first */ #first;
  /** @type {string | null} who is large in speaker view */ #speaker = null;
  /** @type {View} */ #view;

  /**
   * @param {Room} room
   * @param {(tile: Tile) => MenuItem[]} menu what else can be done with somebody's tile
   * @param {HTMLElement | null} invitation shown while one is alone
   * @param {View} view
   */
  constructor(room, menu, invitation, view) {
    this.#room = room;
    this.#view = view;
    this.#menu = menu;
    this.#invitation = invitation;
    this.#grid.replaceChildren();
    this.#resized.observe(this.#grid);
  }

  close() {
    this.#resized.disconnect();
    for (const tile of this.#tiles.values()) tile.remove();
    this.#tiles.clear();
    this.#grid.replaceChildren();
  }

  get view() {
    return this.#view;
  }

  set view(view) {
    this.#view = view;
    this.#place();
  }

  /** The tile that is looked at: the large one, or the only other person's. @returns {Tile | undefined} */
  get main() {
    const alone = this.#order.filter((key) => !this.#tiles.get(key)?.own);
    return this.#tiles.get(this.#focused ?? (alone.length === 1 ? alone[0] : ''));
  }

  /** @param {string | undefined} trackId @returns {Tile | undefined} whose picture is this track */
  showing(trackId) {
    return [...this.#tiles.values()].find((t) => t.publication !== undefined && t.publication.id === trackId);
  }

  /** @param {Element | null} element of a tile, or inside it @returns {Tile | undefined} */
  tileOf(element) {
    return element ? [...this.#tiles.values()].find((t) => t.element.contains(element)) : undefined;
  }

  /** Makes this one's picture large, or small again. @param {Participant} participant */
  pinPerson(participant) {
    const key = this.#order.find((k) => this.#tiles.get(k)?.participant === participant && k.endsWith(' camera'));
    if (key) this.#pin(key);
  }

  /** @returns {Wanted[]} in reading order: screens, the others in the order of their coming, oneself */
  #wanted() {
    const { remoteParticipants, localParticipant } = this.#room;
    const others = [...remoteParticipants.values()];
    /** @type {Wanted[]} */
    const wanted = [];
    for (const participant of others.filter((p) => p.publication('screen'))) {
      wanted.push({ key: `${participant.id} screen`, participant, source: 'screen', own: false });
    }
    for (const participant of others) wanted.push({ key: `${participant.id} camera`, participant, source: 'camera', own: false });
    // One's own shared screen is small, and there because others point at it.
    if (localParticipant.publication('screen')) wanted.push({ key: 'own screen', participant: localParticipant, source: 'screen', own: true });
    if (localParticipant.role !== 'observer') wanted.push({ key: 'own camera', participant: localParticipant, source: 'camera', own: true });
    return wanted;
  }

  /** Brings tiles in line with the room. */
  refresh() {
    const wanted = this.#wanted();
    for (const [key, tile] of this.#tiles) {
      if (wanted.find((w) => w.key === key)?.participant === tile.participant) continue;
      tile.remove();
      this.#tiles.delete(key);
    }
    if (this.#pinned && !this.#tiles.has(this.#pinned)) this.#pinned = null;
    this.#order = wanted.map((w) => w.key);
    for (const { key, participant, source, own } of wanted) {
      const known = this.#tiles.get(key);
      if (known) known.update();
      else this.#add(key, new Tile(this.#room, participant, source, own, (tile) => this.#items(key, tile)));
      if (participant.speaking) this.#spoke.set(participant.id, performance.now());
    }
    this.#followSpeaker();
    this.#place();
  }

  /** @param {string} key @param {Tile} tile */
  #add(key, tile) {
    this.#tiles.set(key, tile);
    this.#grid.append(tile.element);
    if (!tile.own) tile.element.ondblclick = () => this.#pin(key);
  }

  /** Whoever is large stays so while they speak; then it is the next one who does. The server has smoothed who that is. */
  #followSpeaker() {
    const cameras = this.#order.filter((key) => key.endsWith(' camera') && !this.#tiles.get(key)?.own);
    const speaks = (/** @type {string | null} */ key) => key !== null && this.#tiles.get(key)?.participant.speaking === true;
    if (speaks(this.#speaker)) return;
    const next = cameras.find(speaks);
    if (next) this.#speaker = next;
    else if (this.#speaker === null || !cameras.includes(this.#speaker)) this.#speaker = cameras[0] ?? null;
  }

  /** @param {string} key @param {Tile} tile @returns {MenuItem[]} */
  #items(key, tile) {
    if (key === 'own camera') return this.#menu(tile);
    const pinned = this.#pinned === key;
    return [{ icon: 'pin', words: text(pinned ? 'menu.unpin' : 'menu.pin'), action: 'pin', act: () => this.#pin(key) }, ...this.#menu(tile)];
  }

  /** @param {string} key */
  #pin(key) {
    this.#pinned = this.#pinned === key ? null : key;
    this.#place();
  }

  /** What is large is served first when the link is too thin for all. @param {string | null} key */
  #focus(key) {
    this.#focused = key;
    const tile = this.#tiles.get(key ?? '');
    const publication = tile?.own ? undefined : tile?.publication;
    if (publication === this.#first) return;
    if (this.#first) this.#room.setPriority(this.#first, 'normal');
    this.#first = publication;
    if (publication) this.#room.setPriority(publication, 'high');
  }

  #place() {
    const { clientWidth, clientHeight } = this.#grid;
    if (clientWidth === 0 || clientHeight === 0) return;
    const speaker = this.#view === 'speaker' && this.#room.remoteParticipants.size > 1 ? this.#speaker : null;
    const screen = this.#order.find((key) => key.endsWith(' screen') && key !== 'own screen');
    const other = this.#order.includes('own screen') && this.#room.remoteParticipants.size === 1 ? this.#order[0] : null;
    const focus = this.#pinned ?? screen ?? speaker ?? other;
    this.#focus(focus);
    const items = this.#order.map((key) => ({ key, own: key === 'own camera', focus: key === focus, person: key !== 'own screen', rank: this.#rank(key) }));
    const alone = this.#invitation !== null && this.#room.remoteParticipants.size === 0;
    if (this.#invitation) this.#invitation.remove();
    if (alone && this.#invitation) this.#grid.append(this.#invitation);
    const { mode, boxes, hidden, more } = layout(clientWidth, clientHeight, alone ? [...items, { key: 'invitation' }] : items);
    this.#grid.dataset.mode = mode;
    for (const [key, tile] of this.#tiles) {
      tile.element.hidden = hidden.includes(key);
      this.#set(tile.element, boxes.get(key));
    }
    if (alone && this.#invitation) this.#set(this.#invitation, boxes.get('invitation'));
    this.#showMore(more, hidden.length);
  }

  /** A short strip shows who spoke last, and oneself only when there is room. @param {string} key */
  #rank(key) {
    const tile = this.#tiles.get(key);
    return tile?.own ? -1 : (this.#spoke.get(tile?.participant.id ?? '') ?? 0);
  }

  /** @param {import('./layout.js').Box | null} box @param {number} count */
  #showMore(box, count) {
    this.#more.remove();
    if (!box) return;
    this.#more.textContent = text('grid.more', { count });
    this.#set(this.#more, box);
    this.#grid.append(this.#more);
  }

  /** @param {HTMLElement} element @param {import('./layout.js').Box | undefined} box */
  #set(element, box) {
    if (!box) return;
    const { style } = element;
    style.left = `${box.left}px`;
    style.top = `${box.top}px`;
    style.width = `${box.width}px`;
    style.height = `${box.height}px`;
    element.dataset.place = box.role;
    element.classList.toggle('small', Math.min(box.width, box.height * 1.6) < 220);
  }
}
