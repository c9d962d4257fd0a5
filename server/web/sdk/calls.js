// server/web/sdk/calls.js: calling people by identity, and being called (PROTOCOL.md §15).
//
//   const call = await client.calls.invite({ identities: ['pat-77'], video: true });
//   const room = await client.join();                          // at once: media is then warm when they answer
//   client.calls.on('ringing', async (call) => { const room = await call.accept(); });
//
// Each call that the page was told of ends with exactly one `ended`.

import { Emitter } from './emitter.js';

/** @typedef {{identity: string, name: string, role: string}} Caller */
/** @typedef {'unreachable' | 'ringing' | 'accepted' | 'declined' | 'busy' | 'cancelled' | 'timed_out' | 'caller_gone'} InviteeState */
/**
 * answered, accepted_elsewhere (another page of ours), declined, busy, cancelled, timed_out, caller_gone; and
 * connection_lost: the server has forgotten the call, or we could not hear of its end.
 * @typedef {'answered' | 'accepted_elsewhere' | 'declined' | 'busy' | 'cancelled' | 'timed_out' | 'caller_gone' | 'connection_lost'} CallEnd
 */
/** `name`, `video`: of who accepted; `busy`, `reason`: of who declined. @typedef {{identity: string, name?: string, video?: boolean, busy?: boolean, reason?: string}} Answer */

/**
 * @typedef {object} Invitation
 * @property {string[]} identities who shall be called, 1 to 16
 * @property {string} [room] only the room we may enter anyhow can be named
 * @property {string} [message] shown to them, at most 200 bytes
 * @property {boolean} [video] we would like pictures
 */

class Call {
  /** Null while it rings. @type {CallEnd | null} */
  endReason = null;

  /** @param {string} id @param {string} room @param {boolean} video @param {number} expiresAt ms since 1970, the server's clock */
  constructor(id, room, video, expiresAt) {
    this.id = id;
    this.room = room;
    this.video = video;
    this.expiresAt = expiresAt;
  }
}

/** Somebody calls us. */
export class IncomingCall extends Call {
  /** @internal @param {Calls} calls @param {any} m */
  constructor(calls, m) {
    super(m.call, m.room, m.video === true, m.expiresAt);
    this.#calls = calls;
    /** @type {Caller} */
    this.from = m.from;
    /** In the caller's words: show it as text. @type {string} */
    this.message = m.message ?? '';
  }
  #calls;

  /** Says yes and joins; leaves the room we are in. @param {{video?: boolean} & import('./room.js').JoinOptions} [options] `video`: we come with a picture */
  accept(options) {
    return this.#calls.accept(this, options);
  }

  /** @param {string} [reason] shown to the caller */
  decline(reason) {
    return this.#calls.decline(this, reason);
  }
}

/** We call somebody. */
export class OutgoingCall extends Call {
  /** @internal @param {Calls} calls @param {{call: string, room: string, video: boolean, expiresAt: number}} m @param {{identity: string, state: InviteeState}[]} to */
  constructor(calls, m, to) {
    super(m.call, m.room, m.video, m.expiresAt);
    this.#calls = calls;
    /** How it stands with each. @type {Map<string, InviteeState>} */
    this.to = new Map(to.map(({ identity, state }) => [identity, state]));
  }
  #calls;

  /** Nobody who has not answered rings any more. */
  cancel() {
    return this.#calls.cancel(this);
  }
}

/**
 * `outgoing`: a call of ours is there, or it became known that somebody rings. `ended` comes once for each call.
 * @typedef {{
 *   ringing: [call: IncomingCall],
 *   outgoing: [call: OutgoingCall],
 *   accepted: [call: OutgoingCall, answer: Answer],
 *   declined: [call: OutgoingCall, answer: Answer],
 *   ended: [call: IncomingCall | OutgoingCall, reason: CallEnd],
 * }} CallsEvents
 */

/** @extends {Emitter<CallsEvents>} */
export class Calls extends Emitter {
  /** What rings here, by call id. @type {Map<string, IncomingCall>} */
  incoming = new Map();
  /** Our own calls that are not over. @type {Map<string, OutgoingCall>} */
  outgoing = new Map();
  #request;
  #moved;
  #join;

  /**
   * @internal
   * @param {(type: string, fields: object) => Promise<any>} request connects first
   * @param {(room: string) => void} moved the session's room is another one now
   * @param {(options: import('./room.js').JoinOptions) => Promise<import('./room.js').Room>} join
   */
  constructor(request, moved, join) {
    super();
    this.#request = request;
    this.#moved = moved;
    this.#join = join;
  }

  /** @param {Invitation} invitation @returns {Promise<OutgoingCall>} */
  async invite({ identities, room, message, video = true }) {
    const reply = await this.#request('invite', { to: identities, video, ...(room && { room }), ...(message && { message }) });
    this.#moved(reply.room);
    const to = identities.map((identity) => ({ identity, state: /** @type {InviteeState} */ ('unreachable') }));
    const call = new OutgoingCall(this, { ...reply, video }, to); // its events come behind the reply
    this.outgoing.set(call.id, call);
    this.emit('outgoing', call);
    return call;
  }

  /** @param {OutgoingCall} call */
  async cancel(call) {
    await this.#request('cancel', { call: call.id });
  }

  /**
   * @param {IncomingCall} call @param {{video?: boolean} & import('./room.js').JoinOptions} [options]
   * @returns {Promise<import('./room.js').Room>}
   */
  async accept(call, { video = true, ...join } = {}) {
    const { room } = await this.#request('accept', { call: call.id, video });
    this.#moved(room);
    return this.#join(join);
  }

  /** @param {IncomingCall} call @param {string} [reason] */
  async decline(call, reason) {
    await this.#request('decline', { call: call.id, ...(reason && { reason }) });
  }

  /** Doctors and admins: who is not online is never busy. @param {string} identity @returns {Promise<{online: boolean, busy: boolean}>} */
  checkUser(identity) {
    return this.#request('checkUser', { identity });
  }

  // ---- what the server says ----------------------------------------------------------------------------------------

  /** @internal @param {string} name @param {any} m */
  _event(name, m) {
    /** @type {Record<string, () => void>} */
    const handlers = {
      incomingCall: () => this.#ring(m),
      callRinging: () => this.#answered(m, m.to, 'ringing'),
      callAccepted: () => this.#answered(m, m.by, 'accepted'),
      callDeclined: () => this.#answered(m, m.by, m.busy ? 'busy' : 'declined'),
      callEnded: () => this.#end(m),
      callSync: () => this.#sync(m),
    };
    handlers[name]?.();
  }

  /** @param {any} m */
  #ring(m) {
    if (this.incoming.has(m.call)) return;
    const call = new IncomingCall(this, m);
    this.incoming.set(call.id, call);
    this.emit('ringing', call);
  }

  /** @param {any} m @param {string} identity @param {InviteeState} state */
  #answered(m, identity, state) {
    const call = this.outgoing.get(m.call);
    if (!call) return;
    call.to.set(identity, state);
    if (state === 'ringing') this.emit('outgoing', call);
    else if (state === 'accepted') this.emit('accepted', call, { identity, name: m.name, video: m.video });
    else this.emit('declined', call, { identity, busy: m.busy, ...(m.reason && { reason: m.reason }) });
  }

  /** @param {{call: string, reason: CallEnd, to?: {identity: string, state: InviteeState}[]}} m */
  #end({ call: id, reason, to = [] }) {
    const call = this.incoming.get(id) ?? this.outgoing.get(id);
    if (!call) return;
    this.incoming.delete(id);
    this.outgoing.delete(id);
    if (call instanceof OutgoingCall) for (const { identity, state } of to) call.to.set(identity, state);
    call.endReason = reason;
    this.emit('ended', call, reason);
  }

  /** After a resume: what is open now; what we know beyond it is over. @param {any} m */
  #sync(m) {
    this.#endAllBut(new Set([...m.incoming, ...m.outgoing].map((c) => c.call)));
    for (const incoming of m.incoming) this.#ring(incoming);
    for (const known of m.outgoing) {
      const call = this.outgoing.get(known.call) ?? new OutgoingCall(this, known, []);
      for (const { identity, state } of known.to) call.to.set(identity, state);
      this.outgoing.set(call.id, call);
      this.emit('outgoing', call);
    }
  }

  /** @internal The server has forgotten us, or we went: nothing of it rings any more. */
  _lost() {
    this.#endAllBut(new Set());
  }

  /** @param {Set<string>} open */
  #endAllBut(open) {
    for (const id of [...this.incoming.keys(), ...this.outgoing.keys()]) {
      if (!open.has(id)) this.#end({ call: id, reason: 'connection_lost' });
    }
  }
}
