// server/web/app/waiting_view.js: what is shown to who waits to be let in: the own picture, how it stands with the doctor, since
// when; never anybody else who waits.

import { dress, find, icon } from './dom.js';
import { text, timeOfDay } from './i18n.js';
import { show } from './pages.js';
import { preview } from './preview.js';

/** @typedef {import('../sdk/consilium.js').Client} Client */
/** @typedef {import('../sdk/consilium.js').WaitingState} WaitingState */

export class WaitingView {
  #offs;

  /** @param {Client} client @param {WaitingState} state @param {() => void} leave */
  constructor(client, state, leave) {
    const video = /** @type {HTMLVideoElement} */ (find('waiting-video'));
    this.#offs = [client.on('waiting', (now) => this.#show(now)), client.on('admitted', () => this.#say(text('waiting.admitted'), 'check')), preview.attach(video)];
    dress(find('waiting-leave'), 'leave', text('waiting.leave'), true);
    find('waiting-leave').onclick = leave;
    find('waiting-note').hidden = true;
    show('waiting', text('waiting.pageTitle'));
    this.#show(state);
    preview.open();
  }

  /** The doctor's words when one was sent back. @param {string} reason perhaps empty */
  note(reason) {
    const note = find('waiting-note');
    note.hidden = false;
    note.textContent = reason ? text('waiting.sentBackReason', { reason }) : text('waiting.sentBack');
  }

  /** @param {WaitingState} state */
  #show({ since, doctor }) {
    const key = doctor.present ? (doctor.busy ? 'busy' : 'present') : 'absent';
    find('waiting').dataset.doctor = key;
    this.#say(text(`waiting.doctor.${key}`), { present: 'check', busy: 'people', absent: 'reconnect' }[key]);
    find('waiting-since').textContent = text('waiting.since', { time: timeOfDay(since) });
  }

  /** @param {string} words @param {string} symbol */
  #say(words, symbol) {
    const state = find('waiting-state');
    if (state.dataset.words === words) return; // said once is enough
    state.dataset.words = words;
    state.replaceChildren(icon(symbol), words);
  }

  close() {
    for (const off of this.#offs) off();
    delete find('waiting-state').dataset.words;
  }
}
