// server/web/app/call_dialog.js: somebody calls: who, with or without camera, decline. It rings, the title flashes, and the
// system tells it where the user has allowed that. It lies over whatever page is shown.

import { flashTitle, notify } from './attention.js';
import { face } from './call_view.js';
import { dress, make } from './dom.js';
import { text } from './i18n.js';
import { ring } from './sounds.js';
import { toastError } from './toast.js';

/** @typedef {import('../sdk/consilium.js').IncomingCall} IncomingCall */

/** What a patient, or a doctor with another patient, says without typing. */
const EXCUSES = ['called.later', 'called.again', 'called.write'];

export class CallDialog {
  #offs;
  #dialog;

  /** @param {IncomingCall} call @param {(video: boolean) => void} accept */
  constructor(call, accept) {
    this.call = call;
    this.id = call.id;
    const { name, role, identity } = call.from;
    const title = text('called.title', { name });
    const heading = make('h2', '', title);
    heading.id = 'called-title';
    const words = [make('p', 'lead', text(`role.${role}`))];
    if (call.message) words.push(make('p', 'called-message', call.message));
    const buttons = make('div', 'called-buttons',
      this.#button('camera', text('called.withCamera'), 'answer', 'accept-video', () => accept(true)),
      this.#button('microphone', text('called.withoutCamera'), 'answer', 'accept-audio', () => accept(false)),
      this.#button('leave', text('called.decline'), 'danger', 'decline', () => this.#decline('')));
    this.#dialog = make('dialog', 'dialog called', face(identity, name), heading, ...words, buttons, this.#excuses());
    this.#dialog.setAttribute('aria-labelledby', heading.id);
    this.#dialog.dataset.call = call.id;
    this.#dialog.oncancel = (event) => event.preventDefault(); // Escape neither answers nor declines
    document.body.append(this.#dialog);
    this.#dialog.showModal();
    /** @type {HTMLElement} */ (buttons.children[call.video ? 0 : 1]).focus();
    this.#offs = [ring(), flashTitle(text('called.flash', { name })), notify(title, call.message || text('called.notify'), call.id)];
  }

  /** @param {string} symbol @param {string} words @param {string} className @param {string} action @param {() => void} act */
  #button(symbol, words, className, action, act) {
    const button = make('button', className);
    button.type = 'button';
    button.dataset.action = action;
    dress(button, symbol, words, true);
    button.onclick = () => {
      for (const other of this.#dialog.querySelectorAll('button')) other.disabled = true;
      act();
    };
    return button;
  }

  /** No, and why: the caller reads it. */
  #excuses() {
    const list = make('div', 'called-buttons', ...EXCUSES.map((key) => {
      const words = text(key);
      return this.#button('chat', words, '', key.replace('called.', 'decline-'), () => this.#decline(words));
    }));
    return make('details', 'called-excuses', make('summary', '', text('called.declineWith')), list);
  }

  /** @param {string} reason */
  #decline(reason) {
    this.close();
    this.call.decline(reason).catch((error) => error.code !== 'call_not_found' && toastError(error));
  }

  close() {
    for (const off of this.#offs.splice(0)) off();
    this.#dialog.close();
    this.#dialog.remove();
  }
}
