// server/web/sdk/still_wire.js: the messages of a clinical still on the reliable channel, written and read.
//
// "CS", one byte that says what, 16 bytes that name the still, then: `ask`, `cancel` nothing; `refuse` a code in UTF-8; `offer`
// JSON (StillInfo); `have` u32, the bytes that arrived without a gap; `piece` u32 offset and bytes; `done` one byte, 1 = the hash
// is right.

/** `sha256` in hex. @typedef {{type: string, bytes: number, width: number, height: number, sha256: string, takenAt: number}} StillInfo */
/**
 * @typedef {{kind: 'ask' | 'cancel', id: string} | {kind: 'refuse', id: string, code: string} | {kind: 'offer', id: string, info: StillInfo}
 *   | {kind: 'have', id: string, next: number} | {kind: 'piece', id: string, offset: number, data: Uint8Array} | {kind: 'done', id: string, right: boolean}} StillMessage
 */

export const MOST_STILL_BYTES = 16 * 1024 * 1024;
const MOST_PIXELS = 12_000;
const MOST_PIECE_BYTES = 16_384;
const MOST_JSON_BYTES = 512;
const KINDS = /** @type {const} */ (['ask', 'refuse', 'offer', 'have', 'piece', 'done', 'cancel']);
const HEAD_BYTES = 19;
const TYPES = ['image/jpeg', 'image/png', 'image/webp'];
const REFUSALS = ['declined', 'busy', 'no_camera', 'failed'];

export function newStillId() {
  return hex(crypto.getRandomValues(new Uint8Array(16)));
}

/** @param {Uint8Array} bytes */
export function hex(bytes) {
  return [...bytes].map((b) => b.toString(16).padStart(2, '0')).join('');
}

/** @param {StillMessage} message @returns {Uint8Array} */
export function encodeStill(message) {
  const body = bodyOf(message);
  const bytes = new Uint8Array(HEAD_BYTES + body.length);
  bytes.set([0x43, 0x53, KINDS.indexOf(message.kind)]);
  for (let i = 0; i < 16; i++) bytes[3 + i] = parseInt(message.id.slice(2 * i, 2 * i + 2), 16);
  bytes.set(body, HEAD_BYTES);
  return bytes;
}

/** @param {StillMessage} message @returns {Uint8Array} */
function bodyOf(message) {
  if (message.kind === 'refuse') return new TextEncoder().encode(message.code);
  if (message.kind === 'offer') return new TextEncoder().encode(JSON.stringify(message.info));
  if (message.kind === 'done') return new Uint8Array([message.right ? 1 : 0]);
  if (message.kind !== 'have' && message.kind !== 'piece') return new Uint8Array();
  const data = message.kind === 'piece' ? message.data : new Uint8Array();
  const body = new Uint8Array(4 + data.length);
  new DataView(body.buffer).setUint32(0, message.kind === 'piece' ? message.offset : message.next);
  body.set(data, 4);
  return body;
}

/** @param {Uint8Array} bytes from anybody @returns {StillMessage | null} null: not a still's, or malformed */
export function decodeStill(bytes) {
  if (bytes.length < HEAD_BYTES || bytes[0] !== 0x43 || bytes[1] !== 0x53) return null;
  const kind = KINDS[bytes[2]];
  const id = hex(bytes.subarray(3, HEAD_BYTES));
  const body = bytes.subarray(HEAD_BYTES);
  const number = () => new DataView(body.buffer, body.byteOffset).getUint32(0);
  if (kind === 'ask' || kind === 'cancel') return body.length === 0 ? { kind, id } : null;
  if (kind === 'done') return body.length === 1 && body[0] <= 1 ? { kind, id, right: body[0] === 1 } : null;
  if (kind === 'have') return body.length === 4 ? { kind, id, next: number() } : null;
  if (kind === 'piece') return body.length > 4 && body.length <= 4 + MOST_PIECE_BYTES ? { kind, id, offset: number(), data: body.subarray(4) } : null;
  if (kind === 'refuse') {
    const code = new TextDecoder().decode(body.subarray(0, 32));
    return { kind, id, code: REFUSALS.includes(code) ? code : 'failed' };
  }
  if (kind !== 'offer' || body.length > MOST_JSON_BYTES) return null;
  const info = readInfo(body);
  return info ? { kind, id, info } : null;
}

/** @param {Uint8Array} body @returns {StillInfo | null} */
function readInfo(body) {
  try {
    const { type, bytes, width, height, sha256, takenAt } = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
    const whole = (/** @type {unknown} */ n, /** @type {number} */ most) => Number.isInteger(n) && Number(n) >= 1 && Number(n) <= most;
    if (!TYPES.includes(type) || !whole(bytes, MOST_STILL_BYTES) || !whole(width, MOST_PIXELS) || !whole(height, MOST_PIXELS)) return null;
    if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256) || !whole(takenAt, 8.64e15)) return null;
    return { type, bytes, width, height, sha256, takenAt };
  } catch {
    return null;
  }
}

/** Whether the bytes begin as their type says; a browser would guess otherwise. @param {string} type @param {Uint8Array} bytes */
export function looksLike(type, bytes) {
  const begins = (/** @type {number[]} */ signature, at = 0) => signature.every((b, i) => bytes[at + i] === b);
  if (type === 'image/jpeg') return begins([0xff, 0xd8, 0xff]);
  if (type === 'image/png') return begins([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return begins([0x52, 0x49, 0x46, 0x46]) && begins([0x57, 0x45, 0x42, 0x50], 8);
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
export async function sha256(bytes) {
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
}
