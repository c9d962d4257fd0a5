// server/web/app/chat.js: the chat beside the pictures.

import { text } from './i18n.js';

/** @typedef {import('../sdk/room.js').Room} Room */
/** @typedef {import('../sdk/room.js').ChatMessage} ChatMessage */

/** @param {string} id */
const find = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

export class ChatPanel {
  unread = 0;
  open = false;
  #room;
  #changed;

  /** @param {Room} room @param {() => void} changed called when the button's text is out of date */
  constructor(room, changed) {
    this.#room = room;
    this.#changed = changed;
    find('chat-list').replaceChildren();
    for (const message of room.chat) this.#show(message);
    room.on('chatMessage', (message) => {
      this.#show(message);
      if (!this.open) this.unread++;
      this.#changed();
    });
    /** @type {HTMLFormElement} */ (find('chat-form')).onsubmit = (event) => {
      event.preventDefault();
      this.#send();
    };
  }

  toggle() {
    this.open = !this.open;
    this.unread = 0;
    find('chat').hidden = !this.open;
    if (this.open) find('chat-text').focus();
    this.#changed();
  }

  async #send() {
    const input = /** @type {HTMLInputElement} */ (find('chat-text'));
    const words = input.value.trim();
    if (!words) return;
    try {
      await this.#room.sendChat(words);
      input.value = '';
    } catch {
      this.#append(text('chat.failed'), 'error');
    }
  }

  /** @param {ChatMessage} message */
  #show(message) {
    const time = new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: 'short' }).format(message.at);
    const item = this.#append(message.text, message.from === this.#room.localParticipant.id ? 'own' : '');
    const head = document.createElement('span');
    head.className = 'chat-head';
    head.textContent = `${message.name} · ${time}`;
    item.prepend(head);
  }

  /** @param {string} words @param {string} kind */
  #append(words, kind) {
    const item = document.createElement('li');
    item.className = `chat-item ${kind}`;
    const body = document.createElement('span');
    body.textContent = words;
    item.append(body);
    const list = find('chat-list');
    list.append(item);
    list.scrollTop = list.scrollHeight;
    return item;
  }
}
