// server/web/app/main.js: where the page begins: the start form, joining, and what comes after the call.
//
// Links may carry: room, name, role, autojoin=1 (no click), topology=never, lang, and the token in the fragment
// (#token=…), where it reaches no log. Without a token the development server is asked for one.

import { createClient } from '../sdk/consilium.js';
import { errorText, loadTexts, text } from './i18n.js';
import { RoomView } from './room_view.js';

/** @param {string} id */
const find = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
/** @param {string} id */
const field = (id) => /** @type {HTMLInputElement} */ (document.getElementById(id));

/** @param {'start' | 'room' | 'ended'} name */
function show(name) {
  for (const id of ['start', 'room', 'ended']) find(id).hidden = id !== name;
}

/** @param {{room: string, name: string, role: string}} who @returns {Promise<string>} */
async function token(who) {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given) return given;
  const response = await fetch(`/dev/token?${new URLSearchParams(who)}`);
  if (!response.ok) throw Object.assign(new Error('no token'), { code: 'token_invalid' });
  return (await response.json()).token;
}

/** @param {{room: string, name: string, role: string}} who */
async function join(who) {
  const query = new URLSearchParams(location.search);
  const client = createClient({ token: () => token(who) });
  /** @type {any} */ (window).consilium = client;
  client.on('disconnected', () => show('ended'));
  const room = await client.join({
    topology: query.get('topology') === 'never' ? 'never' : 'auto',
    hidden: who.role === 'observer',
  });
  show('room');
  const view = new RoomView(client, room);
  room.on('disconnected', (reason) => {
    const known = ['left', 'kicked', 'closed', 'replaced'].includes(reason) ? reason : 'failed';
    find('ended-title').textContent = text(`ended.${known}`);
    find('ended-text').textContent = text('ended.text');
    show('ended');
  });
  if (who.role === 'observer') return;
  const started = await Promise.allSettled([room.localParticipant.setMicrophoneEnabled(true), room.localParticipant.setCameraEnabled(true)]);
  const failed = started.find((s) => s.status === 'rejected');
  if (failed) find('room-state').textContent = errorText(/** @type {PromiseRejectedResult} */ (failed).reason);
  view.refresh();
}

async function start() {
  await loadTexts();
  const query = new URLSearchParams(location.search);
  field('start-name').value = query.get('name') ?? '';
  field('start-room').value = query.get('room') ?? 'demo';
  field('start-role').value = query.get('role') ?? 'doctor';
  find('ended-again').onclick = () => location.reload();
  const submit = async () => {
    const button = /** @type {HTMLButtonElement} */ (document.querySelector('#start-form button'));
    button.disabled = true;
    button.textContent = text('start.joining');
    try {
      await join({ room: field('start-room').value, name: field('start-name').value, role: field('start-role').value });
    } catch (error) {
      show('start');
      find('start-error').textContent = errorText(error);
    } finally {
      button.disabled = false;
      button.textContent = text('start.join');
    }
  };
  /** @type {HTMLFormElement} */ (find('start-form')).onsubmit = (event) => {
    event.preventDefault();
    submit();
  };
  show('start');
  if (query.get('autojoin') === '1') await submit();
}

start();
