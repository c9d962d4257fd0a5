// server/web/app/chat.js: the chat beside the pictures.

import { dress, find, make } from './dom.js';
import { text, timeOfDay } from './i18n.js';
import { toast, toastError } from './toast.js';

/** @typedef {import('../sdk/consilium.js').Room} Room */
/** @typedef {import('../sdk/consilium.js').ChatMessage} ChatMessage */

/** So much of a message is told to who has the chat closed. */
const TOLD_LETTERS = 160;

export class ChatPanel {
  unread = 0;
  open = false;
  #room;
  #changed;
  #toggle;
  #off;
  /** Takes away what was told of messages. @type {(() => void)[]} */ #told = [];

  /** @param {Room} room @param {HTMLElement} toggle the button that opens it @param {() => void} changed unread or open changed */
  constructor(room, toggle, changed) {
    this.#room = room;
    this.#toggle = toggle;
    this.#changed = changed;
    find('chat-list').replaceChildren();
    this.showTexts();
    for (const message of room.chat) this.#show(message);
    this.#off = room.on('chatMessage', (message) => {
      this.#show(message);
      if (!this.open && message.from !== room.localParticipant.id) this.#tell(message);
      this.#changed();
    });
    find('chat-close').onclick = () => this.toggle();
    find('chat').onkeydown = (event) => {
      if (event.key === 'Escape') this.toggle();
    };
    find('chat-form').onsubmit = (event) => {
      event.preventDefault();
      this.#send();
    };
    this.#showOpen();
  }

  close() {
    this.#off();
    this.open = false;
    this.#showOpen();
  }

  toggle(open = !this.open, focus = true) {
    if (open === this.open) return;
    this.open = open;
    this.unread = 0;
    for (const forget of this.#told.splice(0)) forget(); // it would lie over the field
    this.#showOpen();
    if (focus) (this.open ? find('chat-text') : this.#toggle).focus();
    this.#changed();
  }

  /** In the language of now. */
  showTexts() {
    dress(find('chat-send'), 'send', text('chat.send'));
    dress(find('chat-close'), 'close', text('chat.close'));
  }

  #showOpen() {
    find('chat').hidden = !this.open;
    this.#toggle.setAttribute('aria-expanded', String(this.open));
    find('chat-empty').hidden = find('chat-list').childElementCount > 0;
    find('chat-list').scrollTop = find('chat-list').scrollHeight;
  }

  async #send() {
    const input = /** @type {HTMLInputElement} */ (find('chat-text'));
    const words = input.value.trim();
    if (!words) return;
    try {
      await this.#room.sendChat(words);
      if (input.value.trim() === words) input.value = '';
    } catch (error) {
      toastError(error); // the words stay in the field
    }
  }

  /** @param {ChatMessage} message that nobody sees */
  #tell({ name, text: words }) {
    this.unread++;
    const letters = [...words];
    const short = letters.length > TOLD_LETTERS ? `${letters.slice(0, TOLD_LETTERS).join('')}…` : words;
    this.#told.push(toast(text('chat.came', { name, words: short }), 'chat'));
  }

  /** @param {ChatMessage} message */
  #show({ from, name, text: words, at }) {
    const head = make('span', 'chat-head', make('span', 'chat-name', name), make('time', '', timeOfDay(at)));
    const list = find('chat-list');
    const atEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 40;
    list.append(make('div', from === this.#room.localParticipant.id ? 'chat-item own' : 'chat-item', head, make('span', 'chat-words', words)));
    if (atEnd) list.scrollTop = list.scrollHeight; // who reads further up is left there
    find('chat-empty').hidden = true;
  }
}
