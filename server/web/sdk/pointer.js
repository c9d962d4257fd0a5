// server/web/sdk/pointer.js: pointing at a place of somebody's picture, so that all see the same place.
//
//   const pointer = new Pointer(room);
//   pointer.point(publication.id, 0.25, 0.5);   // a quarter from the left, half way down, in the picture as it was sent
//   pointer.on('moved', ({ participant, track, x, y }) => …);
//
// A message on the lossy channel: "CP", 1, x and y as u16 (65535 is the far edge), the track's id; or "CP", 0: not any more.
// A place holds for FADE_MS; who points on says so again. What a peer sends is never more than one place per participant.

import { Emitter } from './emitter.js';

/** @typedef {import('./room.js').Room} Room */
/** @typedef {import('./participant.js').RemoteParticipant} RemoteParticipant */
/** @typedef {{participant: RemoteParticipant, track: string, x: number, y: number}} Place */
/** @typedef {{moved: [place: Place], gone: [participant: RemoteParticipant]}} PointerEvents */

/** Without news for so long, a pointer is gone. */
export const FADE_MS = 2000;
const AGAIN_MS = 700;
/** Twenty places a second look like a movement. */
const INTERVAL_MS = 50;
const MAGIC = [0x43, 0x50];
const HEAD_BYTES = 7;
const MOST_ID_BYTES = 64;

/** @param {string} track @param {number} x @param {number} y @returns {Uint8Array} */
export function encodePlace(track, x, y) {
  const id = new TextEncoder().encode(track);
  const message = new Uint8Array(HEAD_BYTES + id.length);
  message.set([...MAGIC, 1]);
  const view = new DataView(message.buffer);
  view.setUint16(3, Math.round(Math.max(0, Math.min(1, x)) * 65535));
  view.setUint16(5, Math.round(Math.max(0, Math.min(1, y)) * 65535));
  message.set(id, HEAD_BYTES);
  return message;
}

/** @param {Uint8Array} message @returns {{track: string, x: number, y: number} | 'gone' | null} null: not a pointer's, or malformed */
export function decodePlace(message) {
  if (message.length < 3 || message[0] !== MAGIC[0] || message[1] !== MAGIC[1]) return null;
  if (message[2] === 0) return message.length === 3 ? 'gone' : null;
  if (message[2] !== 1 || message.length <= HEAD_BYTES || message.length > HEAD_BYTES + MOST_ID_BYTES) return null;
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  return { x: view.getUint16(3) / 65535, y: view.getUint16(5) / 65535, track: new TextDecoder().decode(message.subarray(HEAD_BYTES)) };
}

/** @extends {Emitter<PointerEvents>} */
export class Pointer extends Emitter {
  /** @type {{track: string, x: number, y: number} | null} */ #own = null;
  /** @type {Map<RemoteParticipant, number>} timers until they are gone */ #others = new Map();
  #timer = 0;
  #sentAt = 0;
  /** @type {(() => void)[]} */ #offs;
  #room;

  /** @param {Room} room */
  constructor(room) {
    super();
    this.#room = room;
    this.#offs = [
      room.on('dataReceived', (payload, from, reliable) => from && !reliable && this.#receive(payload, from)),
      room.on('participantDisconnected', (participant) => this.#gone(participant)),
    ];
  }

  /** We point there now. @param {string} track public id @param {number} x @param {number} y from 0 to 1 */
  point(track, x, y) {
    this.#own = { track, x, y };
    const wait = INTERVAL_MS - (performance.now() - this.#sentAt);
    if (wait <= 0) this.#send();
    else this.#later(wait);
  }

  /** We do not point any more. */
  hide() {
    if (!this.#own) return;
    this.#own = null;
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#tell(new Uint8Array([...MAGIC, 0]));
  }

  /** @param {number} ms */
  #later(ms) {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#send(), ms);
  }

  #send() {
    if (!this.#own) return;
    this.#sentAt = performance.now();
    this.#tell(encodePlace(this.#own.track, this.#own.x, this.#own.y));
    this.#later(AGAIN_MS);
  }

  /** @param {Uint8Array} message */
  #tell(message) {
    this.#room.sendData(message, { reliable: false }).catch(() => {}); // no connection: nobody sees it, and it is late soon
  }

  /** @param {Uint8Array} payload @param {RemoteParticipant} from */
  #receive(payload, from) {
    const place = decodePlace(payload);
    if (place === null) return;
    if (place === 'gone') {
      this.#gone(from);
      return;
    }
    clearTimeout(this.#others.get(from));
    this.#others.set(from, window.setTimeout(() => this.#gone(from), FADE_MS));
    this.emit('moved', { participant: from, ...place });
  }

  /** @param {RemoteParticipant} participant */
  #gone(participant) {
    clearTimeout(this.#others.get(participant));
    if (this.#others.delete(participant)) this.emit('gone', participant);
  }

  close() {
    clearTimeout(this.#timer);
    this.#own = null;
    for (const off of this.#offs) off();
    for (const timer of this.#others.values()) clearTimeout(timer);
    this.#others.clear();
  }
}
