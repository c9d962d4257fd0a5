// tests/system/lib/datagrams.mjs: UDP datagrams that strangers send: STUN (RFC 8489), a DTLS ClientHello, RTP and RTCP look-alikes.

import { createHmac, randomBytes, randomInt } from 'node:crypto';

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

function crc32(bytes) {
  let c = 0xffffffff;
  for (const byte of bytes) c = CRC_TABLE[(c ^ byte) & 0xff] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

function attribute(type, value) {
  const padded = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4);
  padded.writeUInt16BE(type, 0);
  padded.writeUInt16BE(value.length, 2);
  value.copy(padded, 4);
  return padded;
}

const u32 = (value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
};

export const STUN = { REQUEST: 0x0001, INDICATION: 0x0011, SUCCESS: 0x0101, ERROR: 0x0111 };

/**
 * A STUN message. `password` signs it; without one it has no MESSAGE-INTEGRITY.
 * @param {{type?: number, username?: string, password?: string, nominate?: boolean, fingerprint?: boolean, extra?: Buffer[]}} [options]
 */
export function stun({ type = STUN.REQUEST, username, password, nominate = false, fingerprint = true, extra = [] } = {}) {
  const body = [...extra];
  if (username !== undefined) body.push(attribute(0x0006, Buffer.from(username)));
  body.push(attribute(0x0024, u32(0x6effffff)), attribute(0x802a, randomBytes(8)));
  if (nominate) body.push(attribute(0x0025, Buffer.alloc(0)));
  const header = Buffer.concat([Buffer.from([type >> 8, type & 0xff, 0, 0]), u32(0x2112a442), randomBytes(12)]);
  const message = (further) => {
    const payload = Buffer.concat(body);
    header.writeUInt16BE(payload.length + further, 2);
    return Buffer.concat([header, payload]);
  };
  if (password !== undefined) body.push(attribute(0x0008, createHmac('sha1', password).update(message(24)).digest()));
  if (fingerprint) body.push(attribute(0x8028, u32(crc32(message(8)) ^ 0x5354554e)));
  return message(0);
}

/** A DTLS 1.2 ClientHello with one suite that nobody should accept: such a one ended calls elsewhere. */
export function clientHello() {
  const hello = Buffer.concat([Buffer.from([0xfe, 0xfd]), randomBytes(32), Buffer.from([0, 0, 0, 2, 0x00, 0x01, 1, 0])]);
  const handshake = Buffer.concat([Buffer.from([1, 0, 0, hello.length, 0, 0, 0, 0, 0, 0, 0, hello.length]), hello]);
  return Buffer.concat([Buffer.from([22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, handshake.length]), handshake]);
}

/** RTP with a random tail where its tag would be. */
export function rtp(ssrc, payloadType = 96) {
  return Buffer.concat([Buffer.from([0x80, payloadType]), randomBytes(6), u32(ssrc), randomBytes(60)]);
}

/** RTCP of type 200 to 207. */
export function rtcp(ssrc) {
  return Buffer.concat([Buffer.from([0x81, 200 + randomInt(8), 0, 6]), u32(ssrc), randomBytes(36)]);
}

export const garbage = () => randomBytes(randomInt(1, 1400));
