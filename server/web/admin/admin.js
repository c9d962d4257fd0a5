// server/web/admin/admin.js: the admin page: asks for the token, then shows what the server does, refreshed each second.

import { confirmAction } from '../app/dialog.js';
import { field, find } from '../app/dom.js';
import { loadTexts, text } from '../app/i18n.js';
import { toast } from '../app/toast.js';
import { ApiError, call, forgetToken, keepToken, takeToken } from './api.js';
import { follow, setText } from './keyed.js';
import { roomCard, updatePeople, updateSummary } from './room_card.js';
import { showWorkers } from './workers.js';

/** @typedef {import('./room_card.js').Summary} Summary */
/** @typedef {import('./room_card.js').Person} Person */

const REFRESH_MS = 1000;
/** So many rooms are unfolded at first. */
const OPEN_AT_FIRST = 1;

let timer = 0;
let shown = false;

/** @param {'login' | 'admin'} name */
function show(name) {
  for (const id of ['login', 'admin']) find(id).hidden = id !== name;
}

/** @param {unknown} error */
function refused(error) {
  return error instanceof ApiError && (error.status === 401 || error.status === 403);
}

/** @type {import('./room_card.js').Actions} */
const actions = {
  opened: () => refreshNow(),
  remove: async (room, { participant, name }) => {
    const question = { title: text('admin.removeTitle', { name, room }), words: text('admin.removeText'), action: text('admin.remove') };
    if (await confirmAction(question)) await change(['rooms', room, 'participants', participant]);
  },
  close: async (room) => {
    const question = { title: text('admin.closeTitle', { room }), words: text('admin.closeText'), action: text('admin.close') };
    if (await confirmAction(question)) await change(['rooms', room]);
  },
};

/** @param {string[]} path */
async function change(path) {
  try {
    await call(path, 'DELETE');
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) toast(text('admin.failed', { detail: /** @type {Error} */ (error).message }));
  }
  refreshNow();
}

/** Only rooms that are unfolded are asked for in full. @param {Summary[]} rooms */
async function showRooms(rooms) {
  find('admin-empty').hidden = rooms.length > 0;
  const first = !shown;
  shown = true;
  rooms.sort((a, b) => a.createdAt - b.createdAt);
  follow(find('rooms'), rooms, (r) => r.room, (r) => roomCard(r, actions), updateSummary);
  const cards = /** @type {HTMLDetailsElement[]} */ ([...find('rooms').children]);
  if (first || cards.length === 1) for (const card of cards.slice(0, OPEN_AT_FIRST)) if (!card.dataset.seen) card.open = true;
  await Promise.all(cards.filter((c) => c.open).map(async (card) => {
    card.dataset.seen = 'yes';
    const room = String(card.dataset.room);
    const detail = await call(['rooms', room]).catch((error) => {
      if (error instanceof ApiError && error.status === 404) return null; // it ended between the two questions
      throw error;
    });
    if (detail) updatePeople(card, room, detail.participants, actions);
  }));
}

async function refresh() {
  const state = find('admin-state');
  try {
    await showRooms((await call(['rooms'])).rooms);
    await showWorkers(find('workers'));
    show('admin');
    state.dataset.state = 'ok';
    setText(state, text('admin.updated', { time: new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: 'medium' }).format(Date.now()) }));
  } catch (error) {
    if (refused(error)) {
      logIn(text('admin.refused'));
      return false;
    }
    show('admin');
    state.dataset.state = 'failed';
    setText(state, text('admin.unreachable'));
  }
  return true;
}

/** @type {Promise<void> | null} */
let running = null;

/** One round at a time; the next a second after it. */
function refreshNow() {
  clearTimeout(timer);
  running ??= refresh().then((goOn) => {
    running = null;
    if (goOn) timer = window.setTimeout(refreshNow, REFRESH_MS);
  });
}

/** @param {string} error */
function logIn(error) {
  clearTimeout(timer);
  forgetToken();
  find('rooms').replaceChildren();
  find('workers').replaceChildren();
  shown = false;
  find('login-error').textContent = error;
  find('login-error').hidden = error === '';
  show('login');
  field('login-token').focus();
}

async function start() {
  await loadTexts();
  find('admin-forget').onclick = () => logIn('');
  find('login-form').onsubmit = (event) => {
    event.preventDefault();
    keepToken(field('login-token').value.trim());
    field('login-token').value = '';
    refreshNow();
  };
  window.addEventListener('hashchange', () => takeToken() && refreshNow()); // a link with a token, opened in this very tab
  if (takeToken()) refreshNow();
  else logIn('');
}

start();
