// server/web/app/dom.js: the few things every part of the pages does with elements. Text goes in as text, never as HTML.

const SVG = 'http://www.w3.org/2000/svg';

/** @param {string} id @returns {HTMLElement} */
export function find(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/** @param {string} id @returns {HTMLInputElement} */
export function field(id) {
  return /** @type {HTMLInputElement} */ (document.getElementById(id));
}

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag @param {string} [className] @param {(Node | string)[]} children strings become text
 * @returns {HTMLElementTagNameMap[T]}
 */
export function make(tag, className = '', ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/** A symbol of icons.svg; the words beside it, or the button's label, say the same. @param {string} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

/**
 * Gives a button its icon and its words: shown beside the icon (`show`), or as label and tooltip only. Elements are
 * touched only when something changes, so that focus and screen readers are left alone.
 * @param {HTMLElement} button @param {string} iconName @param {string} words @param {boolean} [show]
 */
export function dress(button, iconName, words, show = false) {
  if (button.dataset.icon === iconName && button.dataset.words === words) return;
  button.dataset.icon = iconName;
  button.dataset.words = words;
  if (show) {
    button.replaceChildren(icon(iconName), make('span', 'words', words));
  } else {
    button.replaceChildren(icon(iconName));
    button.setAttribute('aria-label', words);
    button.dataset.tip = words;
  }
}

/** @param {string} name at most two letters for who has no picture */
export function initials(name) {
  const words = name.trim().split(/\s+/u).filter((w) => /\p{L}/u.test(w));
  // A Chinese name is one word; its last characters are the given name.
  if (words.length === 1 && /\p{Script=Han}/u.test(words[0])) return [...words[0]].slice(-2).join('');
  const letters = words.map((w) => [...w].find((c) => /\p{L}/u.test(c)) ?? '');
  const chosen = letters.length > 1 ? [letters[0], letters[letters.length - 1]] : letters;
  return chosen.join('').toUpperCase() || '?';
}

/** A steady colour for each name, one of those in room.css. @param {string} identity */
export function hueOf(identity) {
  let hash = 7;
  for (const c of identity) hash = (hash * 31 + (c.codePointAt(0) ?? 0)) % 997;
  return String(hash % 6);
}
