// server/web/app/invite_dialog.js: bringing somebody in: by a guest link, by a call, or by the plain link of a development server.

import { showDialog } from './dialog.js';
import { dress, make } from './dom.js';
import { text, timeOfDay } from './i18n.js';
import { copyLink } from './invite.js';
import { governs } from './person_actions.js';
import { toastError } from './toast.js';

/** @typedef {import('../sdk/consilium.js').Room} Room */
/** @typedef {import('../sdk/consilium.js').Client} Client */

const GUEST_ROLES = /** @type {const} */ (['patient', 'interpreter', 'observer']);
const HOURS = [1, 4, 24];

/** @param {Room} room @param {string | null} link */
export function canInvite(room, link) {
  return link !== null || governs(room);
}

/** @param {Client} client @param {Room} room @param {string | null} link what anybody may join with; only development servers have it */
export function showInvite(client, room, link) {
  /** @type {HTMLElement[]} */
  const body = [];
  if (governs(room)) body.push(callForm(client, room), guestForm(room));
  if (link) body.push(make('section', 'invite-section', make('h3', '', text('invite.link')), make('p', 'lead', text('invite.lead')), linkRow(link)));
  showDialog({ title: text('invite.title'), body, className: 'wide' });
}

/** @param {string} link */
function linkRow(link) {
  const input = make('input');
  input.readOnly = true;
  input.value = link;
  input.setAttribute('aria-label', text('invite.link'));
  input.onfocus = () => input.select();
  const copy = make('button', 'primary');
  copy.type = 'button';
  copy.dataset.action = 'copy';
  dress(copy, 'link', text('invite.copyShort'), true);
  copy.onclick = () => copyLink(link);
  return make('div', 'invite-row', input, copy);
}

/** @param {string} key @param {HTMLElement} field */
const labelled = (key, field) => make('label', '', make('span', '', text(key)), field);

/** @param {string} name @param {[value: string, words: string][]} choices */
function choice(name, choices) {
  const element = make('select');
  element.name = name;
  for (const [value, words] of choices) element.append(Object.assign(make('option', '', words), { value }));
  return element;
}

/** @param {string} words */
function submitButton(words) {
  const button = make('button', '', words);
  button.type = 'submit';
  return button;
}

/**
 * A form whose button is asleep while it works.
 * @param {string} className @param {HTMLElement} button @param {HTMLElement[]} parts @param {() => Promise<unknown>} act
 */
function form(className, button, parts, act) {
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

/** @param {Room} room */
function guestForm(room) {
  const role = choice('role', GUEST_ROLES.map((r) => [r, text(`role.${r}`)]));
  const hours = choice('hours', HOURS.map((h) => [String(h), text('invite.hours', { hours: h })]));
  const name = Object.assign(make('input'), { name: 'guest', maxLength: 64, autocomplete: 'off' });
  const wait = Object.assign(make('input'), { type: 'checkbox', name: 'wait', checked: true });
  role.onchange = () => (wait.checked = role.value === 'patient');
  const result = make('div', 'invite-result');
  result.setAttribute('role', 'status');
  const button = submitButton(text('invite.makeLink'));
  const fields = make('div', 'invite-fields', labelled('invite.role', role), labelled('invite.guestName', name), labelled('invite.valid', hours));
  return form('guest', button, [
    make('h3', '', text('invite.guestTitle')), make('p', 'lead', text('invite.guestLead')), fields,
    make('label', 'switch', wait, make('span', '', text('invite.wait4doctor'))), button, result,
  ], async () => {
    const made = await room.createGuestLink({
      role: /** @type {typeof GUEST_ROLES[number]} */ (role.value), name: name.value.trim(), ttlSeconds: Number(hours.value) * 3600, wait: wait.checked,
    });
    result.replaceChildren(linkRow(made.url), make('p', 'hint', text('invite.expires', { time: timeOfDay(made.expiresAt) })));
  });
}

/** @param {Client} client @param {Room} room */
function callForm(client, room) {
  const who = Object.assign(make('input'), { name: 'identity', required: true, maxLength: 128, autocomplete: 'off' });
  const button = submitButton(text('invite.call'));
  const states = make('div', 'call-states');
  states.setAttribute('role', 'status');
  return form('call', button, [make('h3', '', text('invite.callTitle')), make('div', 'invite-row', labelled('invite.identity', who), button), states], async () => {
    const call = await client.calls.invite({ identities: [who.value.trim()], room: room.id });
    const row = make('div', 'call-state');
    const words = make('span');
    const cancel = make('button', '', text('dialog.cancel'));
    cancel.type = 'button';
    cancel.onclick = () => call.cancel().catch(toastError);
    row.append(words, cancel);
    states.append(row);
    who.value = '';
    /** @type {(() => void)[]} */
    const offs = [];
    const show = () => {
      if (call.endReason !== null) for (const off of offs) off();
      words.textContent = [...call.to].map(([identity, state]) => text(`invite.state.${state}`, { name: identity })).join(', ');
      cancel.hidden = call.endReason !== null;
    };
    for (const event of /** @type {const} */ (['outgoing', 'accepted', 'declined', 'ended'])) {
      offs.push(client.calls.on(event, (/** @type {any[]} */ ...[changed]) => {
        if (changed === call) show();
      }));
    }
    show();
  });
}
