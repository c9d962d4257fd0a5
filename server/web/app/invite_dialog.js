// server/web/app/invite_dialog.js: bringing somebody in: by a guest link, by a call, or by the plain link of a development server.

import { callError } from './call_errors.js';
import { showDialog } from './dialog.js';
import { make } from './dom.js';
import { form, labelled, submitButton } from './form.js';
import { guestForm } from './guest_form.js';
import { text } from './i18n.js';
import { linkRow } from './invite.js';
import { governs } from './person_actions.js';
import { toast, toastError } from './toast.js';

/** @typedef {import('../sdk/consilium.js').Room} Room */
/** @typedef {import('../sdk/consilium.js').Client} Client */

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

/** @param {Client} client @param {Room} room */
function callForm(client, room) {
  const who = Object.assign(make('input'), { name: 'identity', required: true, maxLength: 128, autocomplete: 'off' });
  const button = submitButton(text('invite.call'));
  const states = make('div', 'call-states');
  states.setAttribute('role', 'status');
  return form('call', button, [make('h3', '', text('invite.callTitle')), make('div', 'invite-row', labelled('invite.identity', who), button), states], async () => {
    const call = await client.calls.invite({ identities: [who.value.trim()], room: room.id }).catch((error) => void toast(callError(error)));
    if (!call) return;
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
