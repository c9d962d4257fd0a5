// server/web/app/people.js: the list of who is here, with role, microphone and connection; for doctors also who waits.

import { dress, find, hueOf, icon, initials, make } from './dom.js';
import { text } from './i18n.js';
import { attachMenu } from './menu.js';
import { governs, muteAll, openMicrophones, personItems } from './person_actions.js';
import { qualityOf } from './quality_words.js';
import { QueuePanel } from './queue.js';

/** @typedef {import('../sdk/consilium.js').Room} Room */
/** @typedef {import('./tile.js').Participant} Participant */
/** @typedef {import('./menu.js').MenuItem} MenuItem */

export class PeoplePanel {
  open = false;
  #room;
  #invite;
  #opened;
  #extra;
  #queue;
  /** @type {Map<Participant, HTMLElement>} */ #rows = new Map();
  #toggle = find('room-people');

  /**
   * @param {Room} room
   * @param {import('./call_timer.js').ServerClock} clock
   * @param {{invite: (() => void) | null, opened: () => void, items: (remote: import('../sdk/consilium.js').RemoteParticipant) => MenuItem[]}} options `opened`: make room for it
   */
  constructor(room, clock, { invite, opened, items }) {
    this.#room = room;
    this.#invite = invite;
    this.#opened = opened;
    this.#extra = items;
    find('people-list').replaceChildren();
    this.#queue = new QueuePanel(room, clock, () => this.refresh());
    this.#toggle.onclick = () => this.toggle();
    find('people-close').onclick = () => this.toggle();
    find('people').onkeydown = (event) => {
      if (event.key === 'Escape' && !event.defaultPrevented) this.toggle();
    };
    find('people-invite').onclick = () => this.#invite?.();
    find('people-mute-all').onclick = () => muteAll(room);
    this.#showOpen();
  }

  close() {
    this.open = false;
    this.#queue.close();
    this.#showOpen();
  }

  toggle(open = !this.open, focus = true) {
    if (open === this.open) return;
    this.open = open;
    if (open) this.#opened();
    this.#showOpen();
    this.refresh();
    if (focus) (open ? find('people-close') : this.#toggle).focus();
  }

  #showOpen() {
    find('people').hidden = !this.open;
    this.#toggle.setAttribute('aria-expanded', String(this.open));
  }

  /** Brings list and button in line with the room. */
  refresh() {
    const { localParticipant: local, remoteParticipants } = this.#room;
    const everybody = [...(local.role === 'observer' ? [] : [local]), ...remoteParticipants.values()];
    this.#showButton(everybody.length);
    if (!this.open) return;
    dress(find('people-close'), 'close', text('people.close'));
    dress(find('people-invite'), 'invite', text('invite.title'), true);
    dress(find('people-mute-all'), 'microphone-off', text('people.muteAll'), true);
    find('people-invite').hidden = this.#invite === null;
    const muteAllButton = find('people-mute-all');
    const none = !governs(this.#room) || openMicrophones(this.#room).length === 0;
    if (none && document.activeElement === muteAllButton) find('people-close').focus(); // what is hidden cannot keep it
    muteAllButton.hidden = none;
    for (const [participant, row] of this.#rows) {
      if (everybody.includes(participant)) continue;
      row.remove();
      this.#rows.delete(participant);
    }
    for (const participant of everybody) this.#update(participant);
    this.#queue.show();
  }

  /** @param {number} count */
  #showButton(count) {
    const waiting = this.#queue.count;
    const words = waiting > 0 ? text('people.openWaiting', { count, waiting }) : text('people.open', { count });
    dress(this.#toggle, 'people', words);
    this.#toggle.dataset.count = String(count);
    this.#toggle.dataset.waiting = waiting > 0 ? String(waiting) : '';
  }

  /** @param {Participant} participant */
  #update(participant) {
    const row = this.#rows.get(participant) ?? this.#add(participant);
    const own = participant === this.#room.localParticipant;
    const quality = qualityOf(participant, this.#room);
    const microphone = participant.publication('microphone');
    const muted = !microphone || microphone.muted;
    const state = JSON.stringify([participant.name, participant.handRaised, participant.connected, muted, quality, document.documentElement.lang]);
    if (row.dataset.state === state) return; // nothing to draw again
    row.dataset.state = state;
    const facts = [text(`role.${participant.role}`)];
    if (!participant.connected) facts.push(text('tile.lost'));
    if (quality) facts.push(quality.words);
    const signs = make('span', 'person-signs');
    if (participant.handRaised) signs.append(sign('hand', text('tile.hand')));
    signs.append(sign(muted ? 'microphone-off' : 'microphone', text(muted ? 'tile.muted' : 'people.microphoneOn')));
    if (quality) signs.append(sign(quality.icon, quality.words));
    const words = make('span', 'person-words', make('span', 'person-name', own ? text('room.you', { name: participant.name }) : participant.name),
      make('span', 'person-facts', facts.join(' · ')));
    const [face, , , menu] = row.children;
    face.replaceChildren(make('span', '', initials(participant.name)));
    row.replaceChildren(face, words, signs, ...(menu ? [menu] : []));
    const more = /** @type {HTMLElement | undefined} */ (menu);
    if (more) more.setAttribute('aria-label', text('menu.tile', { name: participant.name }));
  }

  /** @param {Participant} participant */
  #add(participant) {
    const face = make('span', 'avatar small-avatar');
    face.setAttribute('aria-hidden', 'true');
    face.dataset.hue = hueOf(participant.identity);
    const row = make('li', 'person', face, make('span'), make('span'));
    row.dataset.participant = participant.id;
    const remote = this.#room.remoteParticipants.get(participant.id);
    if (remote) {
      const menu = make('button', 'icon-button');
      menu.type = 'button';
      dress(menu, 'more', text('menu.tile', { name: participant.name }));
      delete menu.dataset.tip;
      attachMenu(menu, () => [...this.#extra(remote), ...personItems(this.#room, remote)]);
      row.append(menu);
    }
    this.#rows.set(participant, row);
    find('people-list').append(row);
    return row;
  }
}

/** @param {string} name @param {string} words */
function sign(name, words) {
  const element = make('span', `sign ${name}`, icon(name));
  element.setAttribute('role', 'img');
  element.setAttribute('aria-label', words);
  element.title = words;
  return element;
}
