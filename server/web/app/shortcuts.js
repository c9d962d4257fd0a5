// server/web/app/shortcuts.js: single keys for what is needed often, listed under "?". They can be turned off (WCAG 2.1.4):
// who dictates to the machine would press them all the time.

import { showDialog } from './dialog.js';
import { make } from './dom.js';
import { text } from './i18n.js';
import { remember, remembered } from './preferences.js';

/** @typedef {{key: string, words: string, act: () => unknown}} Shortcut `words`: key of the text; `key` in capitals */

export class Shortcuts {
  #list;
  #onKey = (/** @type {KeyboardEvent} */ event) => this.#press(event);

  /** @param {Shortcut[]} list */
  constructor(list) {
    this.#list = list;
    document.addEventListener('keydown', this.#onKey);
  }

  close() {
    document.removeEventListener('keydown', this.#onKey);
  }

  get on() {
    return remembered('shortcuts') !== 'off';
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing || event.defaultPrevented) return;
    const target = /** @type {Element | null} */ (event.target instanceof Element ? event.target : null);
    if (target?.closest('input, select, textarea, [contenteditable], [role=menu], dialog')) return; // keys there are words
    if (document.querySelector('dialog[open]')) return;
    if (event.key === '?') {
      event.preventDefault();
      this.help();
      return;
    }
    const shortcut = this.on ? this.#list.find((s) => s.key === event.key.toUpperCase()) : undefined;
    if (!shortcut) return;
    event.preventDefault();
    shortcut.act();
  }

  /** All of them, and the switch. */
  help() {
    const rows = [...this.#list, { key: '?', words: 'shortcuts.help' }].map(({ key, words }) => make('div', 'shortcut', make('dt', '', make('kbd', '', key)), make('dd', '', text(words))));
    const box = make('input');
    box.type = 'checkbox';
    box.checked = this.on;
    box.name = 'shortcuts';
    box.onchange = () => remember('shortcuts', box.checked ? 'on' : 'off');
    showDialog({ title: text('shortcuts.title'), body: [make('dl', 'shortcuts', ...rows), make('label', 'switch', box, make('span', '', text('shortcuts.use')))] });
  }
}
