// server/web/app/menu.js: a small menu that opens beside a button; keyboard as WAI-ARIA has it for menus.

import { icon, make } from './dom.js';

/** @typedef {{icon: string, words: string, action: string, danger?: boolean, act: () => unknown}} MenuItem */

/** @type {() => void} closes the menu that is open */
let closeOpen = () => {};

/**
 * @param {HTMLElement} button
 * @param {() => MenuItem[]} items asked for each time it opens
 */
export function attachMenu(button, items) {
  button.setAttribute('aria-haspopup', 'menu');
  button.setAttribute('aria-expanded', 'false');
  button.onclick = (event) => {
    event.stopPropagation();
    const wasOpen = button.getAttribute('aria-expanded') === 'true';
    closeOpen();
    if (!wasOpen) open(button, items());
  };
}

/** @param {HTMLElement} button @param {MenuItem[]} items */
function open(button, items) {
  const menu = make('div', 'menu');
  menu.setAttribute('role', 'menu');
  menu.setAttribute('aria-label', button.getAttribute('aria-label') ?? '');
  for (const item of items) menu.append(entry(item));
  document.body.append(menu);
  place(menu, button);
  button.setAttribute('aria-expanded', 'true');

  const outside = (/** @type {Event} */ event) => {
    if (!menu.contains(/** @type {Node} */ (event.target))) closeOpen();
  };
  closeOpen = () => {
    closeOpen = () => {};
    const hadFocus = menu.contains(document.activeElement);
    menu.remove();
    button.setAttribute('aria-expanded', 'false');
    document.removeEventListener('pointerdown', outside);
    window.removeEventListener('resize', closeOpen);
    if (hadFocus) button.focus();
  };
  document.addEventListener('pointerdown', outside);
  window.addEventListener('resize', closeOpen);
  menu.addEventListener('keydown', (event) => onKey(event, menu));
  /** @type {HTMLElement | null} */ (menu.firstElementChild)?.focus();
}

/** The page it belonged to is gone. */
export function closeMenu() {
  closeOpen();
}

/** @param {MenuItem} item */
function entry(item) {
  const element = make('button', item.danger ? 'menu-item danger-text' : 'menu-item', icon(item.icon), make('span', '', item.words));
  element.type = 'button';
  element.setAttribute('role', 'menuitem');
  element.tabIndex = -1;
  element.dataset.action = item.action;
  element.onclick = () => {
    closeOpen();
    item.act();
  };
  return element;
}

/** Below the button or above it, wherever there is room. @param {HTMLElement} menu @param {HTMLElement} button */
function place(menu, button) {
  const at = button.getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  const below = at.bottom + height + 12 < window.innerHeight;
  menu.style.top = `${below ? at.bottom + 6 : Math.max(6, at.top - height - 6)}px`;
  menu.style.left = `${Math.max(6, Math.min(at.right - width, window.innerWidth - width - 6))}px`;
}

/** @param {KeyboardEvent} event @param {HTMLElement} menu */
function onKey(event, menu) {
  const items = /** @type {HTMLElement[]} */ ([...menu.children]);
  const now = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  /** @type {Record<string, number>} */
  const moves = { ArrowDown: now + 1, ArrowUp: now - 1, Home: 0, End: -1 };
  if (event.key in moves) {
    event.preventDefault();
    items.at(moves[event.key] % items.length)?.focus();
  } else if (event.key === 'Escape' || event.key === 'Tab') {
    if (event.key === 'Escape') event.preventDefault();
    closeOpen();
  }
}
