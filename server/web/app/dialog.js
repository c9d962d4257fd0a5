// server/web/app/dialog.js: windows above the page: questions before something that cannot be taken back, and others.

import { make } from './dom.js';
import { text } from './i18n.js';

let serial = 0;

/**
 * A modal window. It takes itself out of the page when it is closed; Escape closes it, and the focus goes back where it was.
 * @param {{title: string, body: (Node | string)[], buttons?: HTMLElement[], className?: string, closed?: (value: string) => void}} content
 *   without `buttons` it has one that closes it
 * @returns {HTMLDialogElement}
 */
export function showDialog({ title, body, buttons, className = '', closed }) {
  const heading = make('h2', '', title);
  heading.id = `dialog-title-${++serial}`;
  const dialog = make('dialog', `dialog ${className}`.trim(), heading, ...body);
  if (!buttons) {
    const done = make('button', 'primary', text('dialog.close'));
    done.type = 'button';
    done.dataset.action = 'close-dialog';
    done.onclick = () => dialog.close();
    buttons = [done];
  }
  if (buttons.length > 0) dialog.append(make('div', 'dialog-buttons', ...buttons));
  dialog.setAttribute('aria-labelledby', heading.id);
  dialog.onclose = () => {
    dialog.remove();
    closed?.(dialog.returnValue);
  };
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/**
 * @param {{title: string, words: string, action: string}} question `action` is the button that does it
 * @returns {Promise<boolean>}
 */
export function confirmAction({ title, words, action }) {
  const no = make('button', '', text('dialog.cancel'));
  const yes = make('button', 'danger', action);
  no.type = yes.type = 'button';
  yes.dataset.action = 'confirm';
  return new Promise((resolve) => {
    const dialog = showDialog({ title, body: [make('p', 'lead', words)], buttons: [no, yes], closed: (value) => resolve(value === 'yes') });
    yes.onclick = () => dialog.close('yes');
    no.onclick = () => dialog.close();
    no.focus();
  });
}

/**
 * A question with a short message to somebody, which may stay empty.
 * @param {{title: string, lead: string, label: string, action: string, gone?: (close: () => void) => () => void}} question
 *   `gone` calls `close` when there is nothing to ask any more, until what it returned is called
 * @returns {Promise<string | null>} null: better not
 */
export function askForWords({ title, lead, label, action, gone }) {
  const words = Object.assign(make('input'), { name: 'words', maxLength: 100, autocomplete: 'off' }); // 200 bytes at most, two a letter
  const no = make('button', '', text('dialog.cancel'));
  const yes = make('button', 'danger', action);
  no.type = 'button';
  yes.dataset.action = 'confirm';
  const form = make('form', '', make('label', '', make('span', '', label), words), make('div', 'dialog-buttons', no, yes));
  return new Promise((resolve) => {
    const dialog = showDialog({
      title, body: [make('p', 'lead', lead), form], buttons: [],
      closed: (value) => {
        off?.();
        resolve(value === 'yes' ? words.value.trim() : null);
      },
    });
    const off = gone?.(() => dialog.close());
    form.onsubmit = (event) => {
      event.preventDefault();
      dialog.close('yes');
    };
    no.onclick = () => dialog.close();
    (matchMedia('(pointer: coarse)').matches ? no : words).focus(); // no keyboard over the question unasked
  });
}
