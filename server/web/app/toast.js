// server/web/app/toast.js: short words at the edge of the page for what went wrong or happened to the user.

import { find, icon, make, dress } from './dom.js';
import { errorText, text } from './i18n.js';

/** Long enough to be read twice. */
const SHOWN_MS = 8000;
const MOST = 3;

/** @param {string} words @param {string} [iconName] @returns {() => void} takes it away */
export function toast(words, iconName = 'warning') {
  const list = find('toasts');
  const known = [...list.children].find((t) => /** @type {HTMLElement} */ (t).dataset.words === words);
  known?.remove(); // said again, not twice
  const close = make('button', 'icon-button');
  close.type = 'button';
  dress(close, 'close', text('toast.close'));
  const element = make('div', 'toast', icon(iconName), make('p', '', words), close);
  element.dataset.words = words;
  const timer = setTimeout(() => element.remove(), SHOWN_MS);
  const remove = () => {
    clearTimeout(timer);
    element.remove();
  };
  close.onclick = remove;
  list.append(element);
  while (list.children.length > MOST) list.firstElementChild?.remove();
  return remove;
}

/** @param {unknown} error */
export function toastError(error) {
  toast(errorText(error));
}
