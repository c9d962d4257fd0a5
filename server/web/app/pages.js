// server/web/app/pages.js: which of the page's parts is shown, and the title that belongs to it.

import { find } from './dom.js';
import { text } from './i18n.js';

/** @typedef {'welcome' | 'start' | 'home' | 'calling' | 'waiting' | 'room' | 'ended'} PageName */

/** @type {PageName[]} */
const PAGES = ['welcome', 'start', 'home', 'calling', 'waiting', 'room', 'ended'];

/** @param {PageName} name @param {string} [title] */
export function show(name, title = text('app.title')) {
  for (const id of PAGES) find(id).hidden = id !== name;
  document.body.dataset.page = name;
  document.title = title;
  // What is new is read out from its heading on.
  const heading = name === 'room' || name === 'start' ? null : find(name).querySelector('h1');
  if (heading) /** @type {HTMLElement} */ (heading).focus();
}

/** @param {PageName} name */
export function isShown(name) {
  return document.body.dataset.page === name;
}

/** Rooms made for a call have a name that says nothing. @param {string} room */
export function roomTitle(room) {
  return room.startsWith('call-') ? text('room.call') : text('room.title', { room });
}
