// server/web/app/form.js: what the forms of dialogs are made of.

import { make } from './dom.js';
import { text } from './i18n.js';
import { toastError } from './toast.js';

/** @param {string} key @param {HTMLElement} field */
export const labelled = (key, field) => make('label', '', make('span', '', text(key)), field);

/** @param {string} words */
export function submitButton(words) {
  const button = make('button', '', words);
  button.type = 'submit';
  return button;
}

/**
 * A form whose button is asleep while it works.
 * @param {string} className @param {HTMLElement} button @param {HTMLElement[]} parts @param {() => Promise<unknown>} act
 */
export function form(className, button, parts, act) {
  const element = make('form', `invite-section ${className}`, ...parts);
  element.onsubmit = async (event) => {
    event.preventDefault();
    if (button.getAttribute('aria-busy') === 'true') return;
    button.setAttribute('aria-busy', 'true');
    await act().catch(toastError);
    button.removeAttribute('aria-busy');
  };
  return element;
}
