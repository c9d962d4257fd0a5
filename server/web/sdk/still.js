// server/web/sdk/still.js: clinical stills: a doctor asks for a photo from somebody's camera; if that one agrees, it comes as it
// was taken, pixel by pixel, and is checked.
//
//   const stills = new Stills(room);
//   const asked = stills.ask(participant);             // at the doctor's
//   asked.on('progress', (fraction) => …); asked.on('received', (blob, info) => …);
//   stills.on('asked', (request) => …);                // at the patient's: request.send(photo) or request.refuse()
//
// The pieces (still_wire.js) go over the reliable channel, no more at a time than the link bears beside sound (still_pace.js).
// The receiver says what it has; after a lost connection, or a new one, the sender offers again and goes on from there.

import { Emitter } from './emitter.js';
import { ConsiliumError } from './errors.js';
import { StillPace } from './still_pace.js';
import { decodeStill, encodeStill, looksLike, MOST_STILL_BYTES, newStillId, sha256 } from './still_wire.js';

/** @typedef {import('./room.js').Room} Room */
/** @typedef {import('./participant.js').RemoteParticipant} RemoteParticipant */
/** @typedef {import('./still_wire.js').StillInfo} StillInfo */
/** @typedef {import('./still_wire.js').StillMessage} StillMessage */
/** `reason`: declined, busy, no_camera, failed (they could not), cancelled (by who asked), damaged (the hash was wrong), lost (too long no word). */
/** @typedef {{progress: [fraction: number], received: [photo: Blob, info: StillInfo], ended: [reason: string]}} AskedEvents */
/** @typedef {{progress: [fraction: number], sent: [], ended: [reason: string]}} RequestEvents */

const MAY_ASK = ['doctor', 'admin'];
const MOST_ASKED = 4;
const ASK_AGAIN_MS = 5000;
const MOST_REMEMBERED = 16;
/** No word for so long: offer again, less often each time; then give up. */
const OFFER_AGAIN_MS = 3000;
const LONGEST_OFFER_MS = 15_000;
const GIVE_UP_MS = 300_000;

/** Both ends of a still: the other one is known by identity, because a participant who joins again has another id. @template {{[event: string]: any[]}} Events @extends {Emitter<Events>} */
class Still extends Emitter {
  over = false;

  /** @param {Stills} stills @param {string} id @param {RemoteParticipant} other */
  constructor(stills, id, other) {
    super();
    this._stills = stills;
    this.id = id;
    this.identity = other.identity;
    this.name = other.name;
  }

  /** @protected @param {StillMessage} message @returns {Promise<boolean>} whether it is under way */
  _tell(message) {
    return this._stills._tell(this.identity, message);
  }

  /** @protected It may get lost with a connection, so it is said again when the other one asks. @param {StillMessage} message */
  _last(message) {
    this._stills._remember(message);
    return this._tell(message);
  }
}

/** A photo that we asked for. @extends {Still<AskedEvents>} */
export class AskedStill extends Still {
  /** @type {StillInfo | null} */ #info = null;
  /** @type {Uint8Array<ArrayBuffer> | null} */ #bytes = null;
  #next = 0;
  #checking = false;
  #timer = 0;

  /** @internal Until there is an answer: their page may not be there, or be loaded anew; who was asked is not asked twice. */
  _ask() {
    this._tell({ kind: 'ask', id: this.id });
    this.#timer = window.setTimeout(() => this._ask(), ASK_AGAIN_MS);
  }

  /** We do not want it any more. */
  cancel() {
    if (this.over) return;
    this._last({ kind: 'cancel', id: this.id });
    this._end('cancelled');
  }

  /** @internal @param {StillMessage} message */
  _receive(message) {
    if (message.kind === 'refuse') this._end(message.code);
    else if (message.kind === 'offer') this.#offered(message.info);
    else if (message.kind === 'piece') this.#piece(message.offset, message.data);
  }

  /** @internal There is a new connection, or they are there again. */
  _again() {
    if (this.#info) this.#have();
  }

  /** @param {StillInfo} info */
  #offered(info) {
    if (this.#info && JSON.stringify(this.#info) !== JSON.stringify(info)) return; // one still, one picture
    if (!this.#info) {
      clearTimeout(this.#timer);
      this.#info = info;
      this.#bytes = new Uint8Array(info.bytes);
      this.emit('progress', 0);
    }
    this.#have();
  }

  /** @param {number} offset @param {Uint8Array} data */
  #piece(offset, data) {
    if (!this.#bytes || this.#checking) return;
    if (offset === this.#next && offset + data.length <= this.#bytes.length) {
      this.#bytes.set(data, offset);
      this.#next += data.length;
      this.emit('progress', this.#next / this.#bytes.length);
    }
    this.#have();
    if (this.#next === this.#bytes.length) this.#check();
  }

  #have() {
    this._tell({ kind: 'have', id: this.id, next: this.#next });
  }

  async #check() {
    const [info, bytes] = [/** @type {StillInfo} */ (this.#info), /** @type {Uint8Array<ArrayBuffer>} */ (this.#bytes)];
    this.#checking = true;
    const right = looksLike(info.type, bytes) && (await sha256(bytes)) === info.sha256;
    if (this.over) return;
    await this._last({ kind: 'done', id: this.id, right });
    if (right) this.emit('received', new Blob([bytes], { type: info.type }), info);
    this._end(right ? 'received' : 'damaged');
  }

  /** @internal @param {string} reason */
  _end(reason) {
    if (this.over) return;
    this.over = true;
    this.#bytes = null;
    clearTimeout(this.#timer);
    this._stills._forget(this);
    if (reason !== 'received') this.emit('ended', reason);
  }
}

/** Somebody asks for a photo of ours. @extends {Still<RequestEvents>} */
export class StillRequest extends Still {
  /** @type {Uint8Array<ArrayBuffer> | null} */ #bytes = null;
  /** @type {StillInfo | null} */ #info = null;
  /** @type {{end: number, at: number}[]} pieces under way */ #flying = [];
  #sent = 0;
  #have = 0;
  /** A piece was lost, and the others behind it are sent again: once. */
  #recovering = false;
  #pace = new StillPace();
  #timer = 0;
  #patience = OFFER_AGAIN_MS;
  #heardAt = 0;

  /** @param {string} [code] declined, busy, no_camera, failed */
  refuse(code = 'declined') {
    if (this.over) return;
    this._last({ kind: 'refuse', id: this.id, code });
    this._end(code);
  }

  /** The one who is asked agreed to this picture. @param {Blob} photo JPEG, PNG or WebP, at most 16 MiB */
  async send(photo) {
    if (photo.size > MOST_STILL_BYTES || photo.size === 0) throw new ConsiliumError('too_large');
    const bytes = new Uint8Array(await photo.arrayBuffer());
    const bitmap = await createImageBitmap(photo);
    const { width, height } = bitmap;
    bitmap.close();
    if (this.over) return;
    this.#info = { type: photo.type, bytes: bytes.length, width, height, sha256: await sha256(bytes), takenAt: Date.now() };
    this.#bytes = bytes;
    this.#heardAt = performance.now();
    this._offer();
  }

  /** @internal Says again what there is: the answer tells where to go on. */
  _offer() {
    if (this.over || !this.#info) return;
    this._tell({ kind: 'offer', id: this.id, info: this.#info });
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#stalled(), this.#patience);
  }

  #stalled() {
    if (performance.now() - this.#heardAt > GIVE_UP_MS) {
      this._end('lost');
      return;
    }
    this.#patience = Math.min(LONGEST_OFFER_MS, this.#patience * 1.5);
    this._again();
  }

  /** @internal @param {StillMessage} message */
  _receive(message) {
    if (message.kind === 'cancel') this._end('cancelled');
    else if (message.kind === 'have') this.#had(message.next);
    else if (message.kind === 'done') {
      if (message.right) this.emit('sent');
      this._end(message.right ? 'sent' : 'damaged');
    }
  }

  /** @param {number} next */
  #had(next) {
    if (!this.#bytes || next > this.#bytes.length) return;
    const now = performance.now();
    const weak = this._stills._weak;
    const arrived = this.#flying.findIndex((f) => f.end === next);
    if (arrived >= 0) {
      this.#pace.acknowledged(now - this.#flying[arrived].at, now, weak);
      this.#flying.splice(0, arrived + 1);
      this.#recovering = false;
    } else if (this.#flying.length === 0 || next < this.#have || !this.#recovering) {
      this.#recovering = this.#flying.length > 0; // a gap: what is under way behind it is thrown away there
      this.#flying = [];
      this.#sent = next;
    } else {
      return; // said for each piece behind the gap
    }
    this.#have = next;
    this.#heardAt = now;
    this.#patience = OFFER_AGAIN_MS;
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#stalled(), this.#patience);
    this.emit('progress', next / this.#bytes.length);
    this.#pump();
  }

  #pump() {
    const bytes = /** @type {Uint8Array<ArrayBuffer>} */ (this.#bytes);
    while (!this.over && this.#sent < bytes.length && this.#sent - this.#have + this.#pace.pieceBytes <= this.#pace.windowBytes) {
      const data = bytes.subarray(this.#sent, this.#sent + this.#pace.pieceBytes);
      this._tell({ kind: 'piece', id: this.id, offset: this.#sent, data });
      this.#sent += data.length;
      this.#flying.push({ end: this.#sent, at: performance.now() });
    }
  }

  /** @internal A new connection: what was under way is gone. */
  _again() {
    this.#flying = [];
    this.#sent = this.#have;
    this.#pace.stalled();
    this._offer();
  }

  /** @internal @param {string} reason */
  _end(reason) {
    if (this.over) return;
    this.over = true;
    this.#bytes = null;
    clearTimeout(this.#timer);
    this._stills._forget(this);
    if (reason !== 'sent') this.emit('ended', reason);
  }
}

/** @extends {Emitter<{asked: [request: StillRequest]}>} */
export class Stills extends Emitter {
  /** @type {Map<string, AskedStill>} */ #asked = new Map();
  /** One at a time: nobody is asked twice at once. @type {StillRequest | null} */ #request = null;
  /** @type {Map<string, StillMessage>} how stills ended, of which the other side may not know */ #last = new Map();
  /** @type {(() => void)[]} */ #offs;
  #room;

  /** @param {Room} room */
  constructor(room) {
    super();
    this.#room = room;
    this.#offs = [
      room.on('dataReceived', (payload, from, reliable) => from && reliable && this.#receive(payload, from)),
      room.on('mediaStateChanged', (state) => {
        if (state === 'connected') for (const still of this.#open) still._again();
      }),
      room.on('participantConnected', ({ identity }) => {
        for (const still of this.#open) if (still.identity === identity) still._again();
      }),
    ];
  }

  /** @returns {(AskedStill | StillRequest)[]} */
  get #open() {
    return [...this.#asked.values(), ...(this.#request ? [this.#request] : [])];
  }

  /** @internal Our own connection is weak. */
  get _weak() {
    return this.#room.connectionQuality === 'poor';
  }

  /** Doctors and admins. @param {RemoteParticipant} participant @returns {AskedStill} */
  ask(participant) {
    if (!MAY_ASK.includes(this.#room.localParticipant.role)) throw new ConsiliumError('forbidden');
    if (this.#asked.size >= MOST_ASKED || [...this.#asked.values()].some((a) => a.identity === participant.identity)) throw new ConsiliumError('busy');
    const still = new AskedStill(this, newStillId(), participant);
    this.#asked.set(still.id, still);
    still._ask();
    return still;
  }

  /** @internal @param {string} identity @param {StillMessage} message */
  async _tell(identity, message) {
    const to = [...this.#room.remoteParticipants.values()].find((p) => p.identity === identity);
    if (!to) return false;
    try {
      await this.#room.sendData(encodeStill(message), { to });
      return true;
    } catch {
      return false; // no connection now: _again() follows
    }
  }

  /** @param {Uint8Array} payload @param {RemoteParticipant} from */
  #receive(payload, from) {
    const message = decodeStill(payload);
    if (!message) return;
    if (message.kind === 'ask') {
      this.#ask(message.id, from);
      return;
    }
    const asked = this.#asked.get(message.id);
    const request = this.#request?.id === message.id ? this.#request : null;
    const still = asked ?? request;
    if (still?.identity === from.identity) still._receive(message);
    // Our last word got lost, or our page was loaded anew: whoever still sends is told that nobody waits for it.
    else if (!still && message.kind === 'offer') this._tell(from.identity, this.#last.get(message.id) ?? { kind: 'cancel', id: message.id });
  }

  /** @internal @param {StillMessage} message */
  _remember(message) {
    this.#last.set(message.id, message);
    if (this.#last.size > MOST_REMEMBERED) this.#last.delete(/** @type {string} */ (this.#last.keys().next().value));
  }

  /** @param {string} id @param {RemoteParticipant} from */
  #ask(id, from) {
    if (!MAY_ASK.includes(from.role) || this.#room.localParticipant.role === 'observer') return; // nobody else may; silence for who tries
    if (this.#request?.id === id) return;
    const last = this.#last.get(id);
    if (last) {
      this._tell(from.identity, last); // nobody is asked twice for the same
      return;
    }
    if (this.#request) {
      this._tell(from.identity, { kind: 'refuse', id, code: 'busy' });
      return;
    }
    this.#request = new StillRequest(this, id, from);
    this.emit('asked', this.#request);
  }

  /** @internal @param {AskedStill | StillRequest} still */
  _forget(still) {
    this.#asked.delete(still.id);
    if (this.#request === still) this.#request = null;
  }

  /** The room is over. */
  close() {
    for (const off of this.#offs) off();
    for (const asked of [...this.#asked.values()]) asked._end('lost');
    this.#request?._end('lost');
  }
}
