// server/web/app/main.js: where the page begins: what the link says decides whether it shows the lobby of a room, the lobby of
// who is called and calls, or the start page; and what comes after the call.

import { field, find } from './dom.js';
import { HomeView } from './home_view.js';
import { errorText, loadTexts, text } from './i18n.js';
import { inviteLink } from './invite.js';
import { claims, fetchToken, givenToken, isBare, isDevelopment, isLobby, kept, query } from './link.js';
import { LobbyCheck } from './lobby_check.js';
import { show } from './pages.js';
import { preview } from './preview.js';
import { watchSounds } from './sounds.js';
import { Visit } from './visit.js';
import { demoContacts, fillWelcome } from './welcome_view.js';

const KNOWN_ENDS = ['left', 'kicked', 'closed', 'closedWaiting', 'replaced', 'locked', 'declined', 'waitTimeout'];
/** After these the same person is not let in again by trying. */
const FINAL_ENDS = ['kicked', 'closed', 'closedWaiting', 'declined'];
/** After these the session goes on: who left by mistake comes back by it, for a token works once. */
const OPEN_ENDS = ['left', 'waitTimeout'];

/** @returns {import('./link.js').Who} */
function who() {
  return { room: field('start-room').value, name: field('start-name').value, role: field('start-role').value, identity: query.get('identity') ?? undefined };
}

/**
 * @param {string} reason @param {string} [detail] in the words of a doctor
 * @param {() => unknown} [again] comes back without a new token
 */
function end(reason, detail = '', again) {
  const known = KNOWN_ENDS.includes(reason) ? reason : 'failed';
  find('ended').dataset.reason = reason;
  find('ended-title').textContent = text(`ended.${known}`);
  find('ended-text').textContent = known === 'declined' && detail ? text('ended.said', { words: detail }) : text(`endedText.${known}`);
  // Without the session only a fresh token can join again, which the development server gives.
  find('ended-again').onclick = again ?? (() => location.reload());
  find('ended-again').hidden = (givenToken !== null && !again) || FINAL_ENDS.includes(known);
  show('ended');
}

// ---- the lobby of a room -----------------------------------------------------------------------------------------------

/** @param {string} words empty: nothing is wrong */
function showStartError(words) {
  find('start-error').textContent = words;
  find('start-error').hidden = words === '';
}

/** @param {LobbyCheck} check */
async function submit(check) {
  check.close();
  /** @type {Visit} */
  const visit = new Visit(who(), (room) => (givenToken ? null : inviteLink(room.id)), (reason, detail) => {
    const open = givenToken !== null && OPEN_ENDS.includes(reason);
    end(reason, detail, open ? () => enter(visit) : undefined);
    if (!open) visit.client.disconnect();
  });
  if (claims.guest && claims.role !== 'observer') visit.name = field('start-name').value.trim();
  await enter(visit);
}

/** @param {Visit} visit */
async function enter(visit) {
  const button = /** @type {HTMLButtonElement} */ (find('start-join'));
  const again = /** @type {HTMLButtonElement} */ (find('ended-again'));
  button.disabled = again.disabled = true;
  button.textContent = text('start.joining');
  showStartError('');
  try {
    await visit.join();
  } catch (error) {
    visit.client.disconnect();
    show('start');
    showStartError(errorText(error));
  } finally {
    button.disabled = again.disabled = false;
    button.textContent = text('start.join');
  }
}

/** @param {LobbyCheck} check */
function prepareStart(check) {
  field('start-name').value = claims.name ?? query.get('name') ?? '';
  field('start-room').value = claims.room || query.get('room') || 'demo';
  field('start-role').value = claims.role ?? query.get('role') ?? 'doctor';
  if (givenToken) arrive();
  /** @type {['start-microphone' | 'start-camera', import('./preview.js').Kind, 'microphone' | 'camera'][]} */
  const switches = [['start-microphone', 'audioinput', 'microphone'], ['start-camera', 'videoinput', 'camera']];
  for (const [id, kind, key] of switches) {
    const box = field(id);
    box.checked = kept.here ? kept[key] !== false : query.get(key) !== '0';
    preview.wanted[kind] = box.checked;
    box.onchange = () => preview.want(kind, box.checked);
  }
  const sends = () => {
    const observer = field('start-role').value === 'observer';
    find('start-devices').hidden = find('start-check').hidden = observer;
    if (observer) preview.close();
  };
  field('start-role').onchange = sends;
  sends();
  check.mount(find('start-check'));
}

/** The token has said it all, except how a guest wants to be called. */
function arrive() {
  const { guest = false, wait = false, role = 'patient', name = '', room = '' } = claims;
  find('start-room-field').hidden = find('start-role-field').hidden = true;
  const named = guest && role !== 'observer'; // whom nobody sees needs no name
  find('start-name-field').hidden = !named;
  field('start-name').required = named;
  find('start-fields').hidden = !named;
  find('start-lead').textContent = guest ? text(named ? 'start.guest' : 'start.guestObserver', { role: text(`role.${role}`) }) : room ? text('start.invited', { name, room }) : text('start.lead');
  find('start-wait').hidden = !wait;
  if (!guest) return;
  field('start-name').autocomplete = 'name';
  if (name === 'Guest') field('start-name').value = '';
  if (kept.name) field('start-name').value = kept.name;
}

// ---- where it begins ---------------------------------------------------------------------------------------------------

/** @param {() => LobbyCheck} makeCheck */
async function openHome(makeCheck) {
  const me = { room: '', name: query.get('name') ?? claims.name ?? '', role: query.get('role') ?? claims.role ?? 'patient', identity: query.get('identity') ?? undefined };
  const visit = new Visit(me, () => null, (reason, detail) => {
    // What ended the session has closed this page's connection, too; a room that a doctor closed has not.
    if (['kicked', 'replaced', 'failed'].includes(reason)) end(reason, detail);
    else home.back(reason);
  });
  const home = new HomeView(visit, makeCheck, () => (givenToken ? [] : demoContacts()));
  await home.open();
  if (kept.here && visit.client.welcome && !(await visit.comeBack().catch(() => false))) home.back('over');
}

async function start() {
  await loadTexts();
  watchSounds(find('sounds'));
  if (isBare) {
    fillWelcome(await isDevelopment());
    show('welcome');
    return;
  }
  const makeCheck = () => new LobbyCheck(() => fetchToken(who()));
  if (isLobby) return openHome(makeCheck);
  const check = makeCheck();
  prepareStart(check);
  find('start-form').onsubmit = (event) => {
    event.preventDefault();
    submit(check);
  };
  show('start');
  if (query.get('autojoin') === '1' || kept.here) await submit(check); // loaded anew in the call: on it goes
  else if (field('start-role').value !== 'observer') check.openIfAllowed();
}

start();
