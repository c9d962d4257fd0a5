// server/web/app/guest_form.js: links for guests: made here, copied, withdrawn. Those made in this call are listed when the
// dialog is opened again: a link in the wrong hands is taken back in a moment.

import { make } from './dom.js';
import { form, labelled, submitButton } from './form.js';
import { text, timeOfDay } from './i18n.js';
import { linkRow } from './invite.js';
import { toastError } from './toast.js';

/** @typedef {import('../sdk/consilium.js').Room} Room */
/** @typedef {import('../sdk/consilium.js').GuestLink} GuestLink */
/** `state`: what came of withdrawing it. @typedef {{link: GuestLink, words: string, state: 'open' | 'withdrawn' | 'used'}} Made */

const GUEST_ROLES = /** @type {const} */ (['patient', 'interpreter', 'observer']);
const HOURS = [1, 4, 24];

/** @type {WeakMap<Room, Made[]>} newest first */
const links = new WeakMap();

/** @param {string} name @param {[value: string, words: string][]} choices */
function choice(name, choices) {
  const element = make('select');
  element.name = name;
  for (const [value, words] of choices) element.append(Object.assign(make('option', '', words), { value }));
  return element;
}

/** @param {Room} room */
export function guestForm(room) {
  const role = choice('role', GUEST_ROLES.map((r) => [r, text(`role.${r}`)]));
  const hours = choice('hours', HOURS.map((h) => [String(h), text('invite.hours', { hours: h })]));
  const name = Object.assign(make('input'), { name: 'guest', maxLength: 64, autocomplete: 'off' });
  const wait = Object.assign(make('input'), { type: 'checkbox', name: 'wait', checked: true });
  role.onchange = () => (wait.checked = role.value === 'patient');
  const result = make('div', 'invite-result');
  result.setAttribute('role', 'status');
  const made = links.get(room) ?? [];
  links.set(room, made);
  const show = () => result.replaceChildren(...made.map((m) => entry(room, m, show)));
  show();
  const button = submitButton(text('invite.makeLink'));
  const fields = make('div', 'invite-fields', labelled('invite.role', role), labelled('invite.guestName', name), labelled('invite.valid', hours));
  return form('guest', button, [
    make('h3', '', text('invite.guestTitle')), make('p', 'lead', text('invite.guestLead')), fields,
    make('label', 'switch', wait, make('span', '', text('invite.wait4doctor'))), button, result,
  ], async () => {
    const guest = name.value.trim();
    const link = await room.createGuestLink({
      role: /** @type {typeof GUEST_ROLES[number]} */ (role.value), name: guest, ttlSeconds: Number(hours.value) * 3600, wait: wait.checked,
    });
    made.unshift({ link, words: [text(`role.${role.value}`), guest].filter(Boolean).join(' · '), state: 'open' });
    name.value = '';
    show();
  });
}

/** @param {Room} room @param {Made} made @param {() => void} show */
function entry(room, made, show) {
  const { link, words, state } = made;
  const over = link.expiresAt <= Date.now();
  const facts = make('span', 'hint', state === 'open' ? text(over ? 'invite.expired' : 'invite.expires', { time: timeOfDay(link.expiresAt) }) : text(`invite.link.${state}`));
  const head = make('div', 'guest-link-head', make('span', '', make('span', 'callee-name', words), ' ', facts));
  const item = make('div', 'guest-link', head);
  item.dataset.state = state;
  if (state !== 'open' || over) return item;
  const withdraw = make('button', '', text('invite.withdraw'));
  withdraw.type = 'button';
  withdraw.dataset.action = 'withdraw';
  withdraw.setAttribute('aria-label', `${text('invite.withdraw')}: ${words}`);
  withdraw.onclick = async () => {
    try {
      made.state = (await room.revokeGuestLink(link.link)) ? 'used' : 'withdrawn';
      show();
    } catch (error) {
      toastError(error);
    }
  };
  head.append(withdraw);
  item.append(linkRow(link.url));
  return item;
}
