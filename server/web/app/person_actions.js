// server/web/app/person_actions.js: what a doctor may do with the others: mute, remove, send back to the waiting room; and
// with the room: lock it, end it. What cannot be taken back is asked for first.

import { confirmAction } from './dialog.js';
import { text } from './i18n.js';
import { toastError } from './toast.js';

/** @typedef {import('../sdk/consilium.js').Room} Room */
/** @typedef {import('../sdk/consilium.js').RemoteParticipant} RemoteParticipant */
/** @typedef {import('./menu.js').MenuItem} MenuItem */

const GOVERNING = ['doctor', 'admin'];
/** Who may be sent back to the waiting room. */
const WAITING_ROLES = ['patient', 'interpreter'];

/** @param {Room} room */
export function governs(room) {
  return GOVERNING.includes(room.localParticipant.role);
}

/** @param {Promise<unknown>} done */
function attempt(done) {
  done.catch(toastError);
}

/** @param {Room} room @param {RemoteParticipant} remote @returns {MenuItem[]} */
export function personItems(room, remote) {
  if (!governs(room)) return [];
  /** @type {MenuItem[]} */
  const items = [];
  const microphone = remote.publication('microphone');
  if (microphone && !microphone.muted) {
    items.push({ icon: 'microphone-off', words: text('menu.mute'), action: 'mute', act: () => attempt(room.muteParticipant(remote)) });
  }
  if (WAITING_ROLES.includes(remote.role)) {
    items.push({ icon: 'door', words: text('menu.sendBack'), action: 'send-back', act: () => attempt(room.sendBack(remote.id)) });
  }
  items.push({ icon: 'remove', words: text('menu.remove'), action: 'remove', danger: true, act: () => remove(room, remote) });
  return items;
}

/** @param {Room} room @param {RemoteParticipant} remote */
async function remove(room, remote) {
  const { name } = remote;
  const sure = await confirmAction({ title: text('dialog.removeTitle', { name }), words: text('dialog.removeText'), action: text('menu.remove') });
  if (sure) attempt(room.kick(remote));
}

/** @param {Room} room @returns {MenuItem[]} */
export function governItems(room) {
  if (!governs(room)) return [];
  return [
    {
      icon: room.locked ? 'unlock' : 'lock', words: text(room.locked ? 'menu.unlock' : 'menu.lock'), action: 'lock',
      act: () => attempt(room.setLocked(!room.locked)),
    },
    { icon: 'end', words: text('menu.endForAll'), action: 'end', danger: true, act: () => endForAll(room) },
  ];
}

/** @param {Room} room */
export async function endForAll(room) {
  const sure = await confirmAction({ title: text('dialog.endTitle'), words: text('dialog.endText'), action: text('menu.endForAll') });
  if (sure) attempt(room.closeForAll());
}

/** Everybody whose microphone is open and who is not a doctor. @param {Room} room */
export function openMicrophones(room) {
  return [...room.remoteParticipants.values()].filter((p) => {
    const microphone = p.publication('microphone');
    return microphone && !microphone.muted && !GOVERNING.includes(p.role);
  });
}

/** @param {Room} room */
export function muteAll(room) {
  for (const remote of openMicrophones(room)) attempt(room.muteParticipant(remote));
}
