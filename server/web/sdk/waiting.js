// server/web/sdk/waiting.js: the waiting room (PROTOCOL.md §12), from both sides: our own place in the queue, and for
// doctors the list of those who wait.

import { Emitter } from './emitter.js';
import { ConsiliumError } from './errors.js';

/** `present`: a doctor is in the room; `busy`: with another patient. @typedef {{present: boolean, busy: boolean}} DoctorState */
/** `since`: ms since 1970, the server's clock. @typedef {{since: number, doctor: DoctorState}} WaitingState */
/**
 * `connected` is false while that one's signaling is lost.
 * @typedef {{id: string, identity: string, name: string, role: string, since: number, connected: boolean}} WaitingParticipant
 */
/** `reason`: admitted, declined, left, lost, replaced, timeout. @typedef {{added?: WaitingParticipant, removed?: WaitingParticipant, reason?: string}} WaitingChange */

/**
 * `declined`: `cause` is declined (by a doctor, in whose words `reason` is, perhaps empty) or timeout.
 * @typedef {{
 *   waiting: [state: WaitingState],
 *   admitted: [],
 *   declined: [cause: string, reason: string],
 *   sentBack: [reason: string, state: WaitingState],
 * }} WaitingPlaceEvents
 */

/** Our own place. A join that must wait stands in wait() until it shall be sent again. @extends {Emitter<WaitingPlaceEvents>} */
export class WaitingPlace extends Emitter {
  /** Null: we do not wait. @type {WaitingState | null} */
  state = null;
  /** @type {{again: () => void, refuse: (error: ConsiliumError) => void} | null} */ #join = null;

  /**
   * The reply to `join` was that we wait. Resolves when `join` shall be sent again.
   * @param {WaitingState} state
   * @returns {Promise<void>}
   */
  wait(state) {
    const told = new Promise((resolve, reject) => (this.#join = { again: () => resolve(undefined), refuse: reject }));
    this.#set(state);
    return told;
  }

  /** What the server says about it. @param {string} name @param {any} m */
  event(name, m) {
    if (name === 'waitingState') this.#set(m);
    if (name === 'admitted') {
      this.emit('admitted');
      this.again();
    }
    if (name === 'waitDeclined') {
      this.#refuse(new ConsiliumError(m.cause === 'timeout' ? 'wait_timeout' : 'wait_declined', m.reason ?? ''));
      this.emit('declined', m.cause, m.reason ?? '');
    }
    if (name === 'sentBack') this.sentBack(m);
  }

  /** @param {WaitingState & {reason?: string}} m */
  sentBack({ since, doctor, reason = '' }) {
    this.state = { since, doctor };
    this.emit('sentBack', reason, this.state);
  }

  /** The place is ours no more, or was forgotten with its server: ask anew. */
  again() {
    this.state = null;
    this.#join?.again();
    this.#join = null;
  }

  /** We do not want to wait any longer. */
  end() {
    this.#refuse(new ConsiliumError('closed'));
  }

  /** @param {WaitingState} state */
  #set({ since, doctor }) {
    this.state = { since, doctor };
    this.emit('waiting', this.state);
  }

  /** @param {ConsiliumError} error */
  #refuse(error) {
    this.state = null;
    this.#join?.refuse(error);
    this.#join = null;
  }
}

/** Those who wait, oldest first, as doctors and admins are told. */
export class WaitingList {
  /** @type {WaitingParticipant[]} */
  all = [];
  #changed;

  /** @param {(all: WaitingParticipant[], change: WaitingChange) => void} changed */
  constructor(changed) {
    this.#changed = changed;
  }

  /** @param {any[]} entries of a snapshot */
  replace(entries) {
    const before = this.all;
    this.all = entries.map(participant);
    if (JSON.stringify(before) !== JSON.stringify(this.all)) this.#changed(this.all, {});
  }

  /** @param {any} m */
  add(m) {
    const added = participant(m);
    this.all = [...this.all.filter((w) => w.id !== added.id), added].sort((a, b) => a.since - b.since);
    this.#changed(this.all, { added });
  }

  /** @param {string} id @param {string} reason */
  remove(id, reason) {
    const removed = this.all.find((w) => w.id === id);
    if (!removed) return;
    this.all = this.all.filter((w) => w !== removed);
    this.#changed(this.all, { removed, reason });
  }
}

/** @param {any} m @returns {WaitingParticipant} */
function participant({ waiting, identity, name, role, since, connected }) {
  return { id: waiting, identity, name, role, since, connected };
}
