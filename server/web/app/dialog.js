// server/web/app/dialog.js: asks before something that cannot be taken back.

import { make } from './dom.js';
import { text } from './i18n.js';

let serial = 0;

/**
 * @param {{title: string, words: string, action: string}} question `action` is the button that does it
 * @returns {Promise<boolean>}
 */
export function confirmAction({ title, words, action }) {
  const heading = make('h2', '', title);
  heading.id = `dialog-title-${++serial}`;
  const no = make('button', '', text('dialog.cancel'));
  const yes = make('button', 'danger', action);
  no.type = yes.type = 'button';
  yes.dataset.action = 'confirm';
  const dialog = make('dialog', 'dialog', heading, make('p', 'lead', words), make('div', 'dialog-buttons', no, yes));
  dialog.setAttribute('aria-labelledby', heading.id);
  document.body.append(dialog);
  return new Promise((resolve) => {
    yes.onclick = () => dialog.close('yes');
    no.onclick = () => dialog.close();
    dialog.onclose = () => {
      dialog.remove();
      resolve(dialog.returnValue === 'yes');
    };
    dialog.showModal();
    no.focus();
  });
}
