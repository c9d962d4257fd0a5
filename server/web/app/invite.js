// server/web/app/invite.js: the link that brings others into the room. Only where anybody may join with a link (--dev, --lan):
// elsewhere each participant's link carries a token of its own, made by the operator's application.

import { dress, make } from './dom.js';
import { text } from './i18n.js';
import { toast } from './toast.js';

/** @param {string} room */
export function inviteLink(room) {
  return `${location.origin}/?${new URLSearchParams({ room, role: 'patient' })}`;
}

/** @param {string} link */
async function copyLink(link) {
  try {
    await navigator.clipboard.writeText(link);
    toast(text('invite.copied'), 'check');
  } catch {
    toast(text('invite.copyFailed'));
  }
}

/** A link to read and to copy. @param {string} link @param {string} [words] of the button */
export function linkRow(link, words = text('invite.copyShort')) {
  const input = make('input');
  input.readOnly = true;
  input.value = link;
  input.setAttribute('aria-label', text('invite.link'));
  input.onfocus = () => input.select();
  const copy = make('button', 'primary');
  copy.type = 'button';
  copy.dataset.action = 'copy';
  dress(copy, 'link', words, true);
  copy.onclick = () => copyLink(link);
  return make('div', 'invite-row', input, copy);
}

/** What is shown to who is alone. @param {string | null} link @returns {HTMLElement} */
export function invitation(link) {
  const card = make('section', 'tile invitation', make('h2', '', text('room.alone')), make('p', 'lead', text(link ? 'invite.lead' : 'invite.wait')));
  if (!link) return card;
  card.append(linkRow(link, text('invite.copy')));
  return card;
}
