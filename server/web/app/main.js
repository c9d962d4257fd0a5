// server/web/app/main.js: where the page begins: the start form, joining, and what comes after the call.
//
// Links may carry: room, name, role, autojoin=1 (no click), microphone=0, camera=0 (off at first), topology=never, lang,
// and the token in the fragment (#token=…), where it reaches no log. Without a token the development server is asked for one.

import { createClient } from '../sdk/consilium.js';
import { field, find } from './dom.js';
import { errorText, loadTexts, text } from './i18n.js';
import { inviteLink } from './invite.js';
import { RoomView } from './room_view.js';
import { toastError } from './toast.js';

/** @typedef {{room: string, name: string, role: string}} Who */

const query = new URLSearchParams(location.search);
const givenToken = new URLSearchParams(location.hash.slice(1)).get('token');

/** @param {'start' | 'room' | 'ended'} name */
function show(name) {
  for (const id of ['start', 'room', 'ended']) find(id).hidden = id !== name;
}

/** What the token says of its bearer, to be shown; only the server can tell whether it is true. @returns {Partial<Who>} */
function tokenClaims() {
  try {
    const [, payload] = /** @type {string} */ (givenToken).split('.');
    const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
    const { room, name, role } = JSON.parse(new TextDecoder().decode(bytes));
    return { room: String(room), name: String(name), role: String(role) };
  } catch {
    return {};
  }
}

/** @param {Who} who @returns {Promise<string>} */
async function fetchToken(who) {
  if (givenToken) return givenToken;
  const response = await fetch(`/dev/token?${new URLSearchParams(who)}`);
  if (!response.ok) throw Object.assign(new Error('no token'), { code: response.status === 400 ? 'bad_request' : 'token_invalid' });
  return (await response.json()).token;
}

/** @param {Who} who */
async function join(who) {
  const client = createClient({ token: () => fetchToken(who) });
  /** @type {any} */ (window).consilium = client;
  const room = await client.join({ topology: query.get('topology') === 'never' ? 'never' : 'auto' });
  show('room');
  document.title = text('room.pageTitle', { room: room.id });
  const view = new RoomView(client, room, givenToken ? null : inviteLink(room.id));
  room.on('disconnected', (reason) => {
    view.close();
    end(reason);
  });
  if (room.localParticipant.role === 'observer') return;
  await startDevices(room);
}

/** @param {import('../sdk/consilium.js').Room} room */
async function startDevices({ localParticipant: local, left }) {
  const [microphone, camera] = [field('start-microphone').checked, field('start-camera').checked];
  try {
    if (microphone && camera) (await local.enableCameraAndMicrophone()).slice(0, 1).forEach(toastError);
    else if (microphone) await local.setMicrophoneEnabled(true);
    else if (camera) await local.setCameraEnabled(true);
  } catch (error) {
    if (!left && /** @type {{code?: string}} */ (error).code !== 'closed') toastError(error);
  }
}

/** @param {string} reason */
function end(reason) {
  const known = ['left', 'kicked', 'closed', 'replaced', 'locked'].includes(reason) ? reason : 'failed';
  find('ended').dataset.reason = reason;
  find('ended-title').textContent = text(`ended.${known}`);
  find('ended-text').textContent = text(`endedText.${known}`);
  // A token works once: only a fresh one, which the development server gives, can join again.
  find('ended-again').hidden = givenToken !== null || known === 'kicked' || known === 'closed';
  document.title = text('app.title');
  show('ended');
  find('ended-title').focus();
}

/** @param {string} words empty: nothing is wrong */
function showStartError(words) {
  find('start-error').textContent = words;
  find('start-error').hidden = words === '';
}

async function submit() {
  const button = /** @type {HTMLButtonElement} */ (find('start-join'));
  button.disabled = true;
  button.textContent = text('start.joining');
  showStartError('');
  try {
    await join({ room: field('start-room').value, name: field('start-name').value, role: field('start-role').value });
  } catch (error) {
    show('start');
    showStartError(errorText(error));
  } finally {
    button.disabled = false;
    button.textContent = text('start.join');
  }
}

function prepareStart() {
  const claims = givenToken ? tokenClaims() : {};
  field('start-name').value = claims.name ?? query.get('name') ?? '';
  field('start-room').value = claims.room ?? query.get('room') ?? 'demo';
  field('start-role').value = claims.role ?? query.get('role') ?? 'doctor';
  field('start-microphone').checked = query.get('microphone') !== '0';
  field('start-camera').checked = query.get('camera') !== '0';
  if (givenToken) {
    find('start-fields').hidden = true; // the token has said it all
    if (claims.room) find('start-lead').textContent = text('start.invited', { name: claims.name ?? '', room: claims.room });
  }
  const showDevices = () => (find('start-devices').hidden = field('start-role').value === 'observer');
  field('start-role').onchange = showDevices;
  showDevices();
}

async function start() {
  await loadTexts();
  prepareStart();
  find('ended-again').onclick = () => location.reload();
  find('start-form').onsubmit = (event) => {
    event.preventDefault();
    submit();
  };
  show('start');
  if (query.get('autojoin') === '1') await submit();
}

start();
