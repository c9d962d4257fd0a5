// tests/system/lib/token.mjs: access tokens written by hand, right and wrong.

import { createHmac, randomBytes } from 'node:crypto';

export const SECRET = 'a-secret-of-the-system-tests-0123456789abcdef';
/** Arguments that let a server accept these tokens. */
export const SECRET_ARGS = ['--set', `tokens.secret=${SECRET}`];

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

export function claims(fields = {}) {
  return {
    room: 'tokens', identity: `id-${randomBytes(4).toString('hex')}`, name: 'Somebody', role: 'patient',
    jti: randomBytes(16).toString('hex'), exp: Math.floor(Date.now() / 1000) + 300, ...fields,
  };
}

/** RFC 7515 compact form. `undefined` as a claim's value leaves it out. */
export function mint(fields = {}, { secret = SECRET, header = { alg: 'HS256', typ: 'JWT' }, hash = 'sha256' } = {}) {
  const head = `${encode(header)}.${encode(claims(fields))}`;
  const signature = hash ? createHmac(hash, secret).update(head).digest('base64url') : '';
  return `${head}.${signature}`;
}
