// server/web/app/queue.js: who waits to be let in, for doctors: admit, admit all, decline. Nothing of it without the right.

import { askForWords } from './dialog.js';
import { find, make } from './dom.js';
import { number, text } from './i18n.js';
import { toast, toastError } from './toast.js';

/** @typedef {import('../sdk/consilium.js').Room} Room */
/** @typedef {import('../sdk/consilium.js').WaitingParticipant} Waiting */
/** @typedef {import('./call_timer.js').ServerClock} ServerClock */

/** How long somebody waits is told in minutes. */
const REFRESH_MS = 20_000;

export class QueuePanel {
  #room;
  #changed;
  #timer;
  /** @type {Map<string, () => void>} who is known, and what takes the news of it away */ #known = new Map();
  #off;
  #clock;

  /** @param {Room} room @param {ServerClock} clock @param {() => void} changed */
  constructor(room, clock, changed) {
    this.#room = room;
    this.#clock = clock;
    this.#changed = changed;
    this.#off = room.on('waitingChanged', () => this.#follow());
    this.#timer = window.setInterval(() => this.show(), REFRESH_MS);
    find('queue-all').onclick = () => this.#attempt(room.admitAll());
    this.#follow(false);
  }

  close() {
    this.#off();
    clearInterval(this.#timer);
    find('queue-list').replaceChildren();
    find('queue').hidden = true;
  }

  get count() {
    return this.#room.waiting.length;
  }

  #follow(tell = true) {
    const here = this.#room.waiting;
    for (const { id, name } of here) if (!this.#known.has(id)) this.#known.set(id, toast(text('queue.came', { name }), 'door'));
    for (const [id, takeAway] of this.#known) {
      if (here.some((w) => w.id === id)) continue;
      takeAway();
      this.#known.delete(id);
    }
    this.show();
    if (tell) this.#changed();
  }

  show() {
    const here = this.#room.waiting;
    find('queue').hidden = here.length === 0;
    find('queue-all').hidden = here.length < 2;
    const list = find('queue-list');
    const minutes = here.map((w) => Math.floor((this.#clock.now() - w.since) / 60_000));
    const state = JSON.stringify([here, minutes, document.documentElement.lang]);
    if (list.dataset.state === state && list.childElementCount === here.length) return; // a button under the mouse stays the same
    list.dataset.state = state;
    const focused = /** @type {HTMLElement | null} */ (document.activeElement);
    const held = list.contains(focused) ? focused?.dataset.key : undefined;
    list.replaceChildren(...here.map((w) => this.#row(w)));
    if (held) ([...list.querySelectorAll('button')].find((b) => b.dataset.key === held) ?? find('people-close')).focus();
  }

  /** @param {Waiting} waiting */
  #row(waiting) {
    const minutes = Math.max(0, Math.floor((this.#clock.now() - waiting.since) / 60_000));
    const since = minutes === 0 ? text('queue.now') : text('queue.minutes', { minutes: number(minutes) });
    const admit = this.#button('primary', 'queue.admit', waiting, () => this.#room.admit(waiting.id));
    const decline = this.#button('', 'queue.decline', waiting, () => this.#decline(waiting));
    const row = make('li', 'person',
      make('span', 'person-words', make('span', 'person-name', waiting.name), make('span', 'person-facts', [text(`role.${waiting.role}`), since, waiting.connected ? '' : text('tile.lost')].filter(Boolean).join(' · '))),
      make('span', 'waiting-buttons', admit, decline));
    row.dataset.waiting = waiting.id;
    return row;
  }

  /** @param {string} className @param {string} key @param {Waiting} waiting @param {() => Promise<unknown>} act */
  #button(className, key, waiting, act) {
    const button = make('button', className, text(key));
    button.type = 'button';
    button.dataset.key = `${key} ${waiting.id}`;
    button.dataset.action = key.split('.')[1];
    button.setAttribute('aria-label', `${text(key)}: ${waiting.name}`);
    button.onclick = () => this.#attempt(act());
    return button;
  }

  /** Turns somebody away, who cannot come back by the same link: asks first, and for words that they read. @param {Waiting} waiting */
  async #decline({ id, name }) {
    const gone = (/** @type {() => void} */ close) => this.#room.on('waitingChanged', (here) => here.every((w) => w.id !== id) && close());
    const words = await askForWords({
      title: text('queue.declineTitle', { name }), lead: text('queue.declineText'), label: text('queue.declineWords'), action: text('queue.decline'), gone,
    });
    if (words !== null) await this.#room.declineWaiting(id, words);
  }

  /** @param {Promise<unknown>} done */
  #attempt(done) {
    done.catch(toastError);
  }
}
