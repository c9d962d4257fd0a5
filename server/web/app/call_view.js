// server/web/app/call_view.js: calling somebody: who, how it stands with each, cancel; and when nobody comes, why.

import { dress, find, hueOf, initials, make } from './dom.js';
import { text } from './i18n.js';
import { show } from './pages.js';
import { preview } from './preview.js';
import { callingTone } from './sounds.js';

/** @typedef {import('../sdk/consilium.js').OutgoingCall} OutgoingCall */
/** @typedef {import('./link.js').Contact} Contact */

export class CallView {
  #offs = [preview.attach(/** @type {HTMLVideoElement} */ (find('calling-video')))];
  #people;
  #stopTone = () => {};
  /** @type {Map<string, string>} what those who declined said */ #reasons = new Map();

  /** @param {Contact[]} people whom we call @param {boolean} video @param {() => void} cancel */
  constructor(people, video, cancel) {
    this.#people = people;
    dress(find('calling-cancel'), 'leave', text('calling.cancel'), true);
    find('calling-cancel').onclick = cancel;
    find('calling-after').hidden = true;
    find('calling-cancel').hidden = false;
    find('calling').dataset.state = 'calling';
    find('calling-title').textContent = text('calling.title', { name: people.map((p) => p.name).join(', ') });
    find('calling-list').replaceChildren(...people.map((p) => this.#row(p)));
    show('calling', text('calling.pageTitle'));
    preview.want('videoinput', video).then(() => preview.open());
  }

  /** @param {Contact} person */
  #row({ identity, name }) {
    const face = make('span', 'face', initials(name));
    face.dataset.hue = hueOf(identity);
    const row = make('li', 'callee', face, make('span', 'callee-name', name), make('span', 'callee-state'));
    row.dataset.identity = identity;
    row.dataset.state = 'asked';
    return row;
  }

  /** @param {OutgoingCall} call */
  update(call) {
    let rings = false;
    for (const [identity, state] of call.to) {
      const row = /** @type {HTMLElement | null} */ (find('calling-list').querySelector(`[data-identity="${CSS.escape(identity)}"]`));
      if (!row) continue;
      rings ||= state === 'ringing';
      row.dataset.state = state;
      /** @type {HTMLElement} */ (row.lastElementChild).textContent = text(`calling.state.${state}`);
    }
    if (rings && !call.endReason) this.#tone();
    else this.#stopTone();
  }

  #tone() {
    if (document.body.dataset.sound === 'calling') return;
    this.#stopTone = callingTone();
  }

  /** @param {string} identity @param {string} reason */
  declined(identity, reason) {
    this.#reasons.set(identity, reason);
  }

  /**
   * Nobody came. @param {string} reason of callEnded @param {() => void} again @param {() => void} back
   */
  ended(reason, again, back) {
    this.#stopTone();
    const name = this.#people.map((p) => p.name).join(', ');
    find('calling').dataset.state = reason;
    find('calling-title').textContent = text(`calling.ended.${reason}`, { name });
    const said = [...this.#reasons.values()].filter(Boolean);
    find('calling-reason').hidden = said.length === 0;
    find('calling-reason').textContent = said.map((words) => text('calling.said', { words })).join(' ');
    find('calling-cancel').hidden = true;
    find('calling-after').hidden = false;
    dress(find('calling-again'), 'call', text('calling.again'), true);
    dress(find('calling-back'), 'close', text('calling.back'), true);
    find('calling-again').onclick = again;
    find('calling-back').onclick = back;
    find('calling-title').focus();
  }

  close() {
    this.#stopTone();
    for (const off of this.#offs) off();
    find('calling-reason').hidden = true;
  }
}

/** The picture of who calls, in place of a photo. @param {string} identity @param {string} name */
export function face(identity, name) {
  const element = make('span', 'face large', initials(name));
  element.dataset.hue = hueOf(identity);
  element.setAttribute('aria-hidden', 'true');
  return element;
}

