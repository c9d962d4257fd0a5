// server/web/app/link.js: what the link says that opened the page, and the token that goes with it.
//
// Query: room, name, role, identity, autojoin=1 (no click), microphone=0, camera=0 (off at first), topology=never, lang, lobby=1 (no
// room: call and be called), call=IDENTITY&callName=NAME (whom one may call, any number). Fragment: token=…, which reaches no log
// and is taken out of the address bar; it stays in this history entry with the session that it opened, so that a reload goes on
// with both: a token works once. Without a token the development server is asked for one.

/** @typedef {{room: string, name: string, role: string, identity?: string}} Who */
/** @typedef {{identity: string, name: string}} Contact */

export const query = new URLSearchParams(location.search);
const fragment = new URLSearchParams(location.hash.slice(1));

/**
 * What this history entry knows: the token, the rest of the fragment it came with, the session that it opened; whether we were in the
 * room (or waited for it), called what, with which devices on.
 * @typedef {{token?: string, fragment?: string, session?: import('../sdk/consilium.js').SessionKey | null, here?: boolean, name?: string,
 *   microphone?: boolean, camera?: boolean}} Kept
 */

function takeToken() {
  const token = fragment.get('token');
  if (!token) return /** @type {string | null} */ (history.state?.token ?? null);
  fragment.delete('token');
  history.replaceState({ token, fragment: String(fragment) }, '', location.pathname + location.search);
  return token;
}

export const givenToken = takeToken();

/** What the token says of its bearer, to be shown; only the server can tell whether it is true. @returns {Partial<Who> & {guest?: boolean, calls?: boolean, wait?: boolean}} */
function tokenClaims() {
  try {
    const [, payload] = /** @type {string} */ (givenToken).split('.');
    const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
    const { room, name, role, identity, guest, calls, wait } = JSON.parse(new TextDecoder().decode(bytes));
    return { room: room ? String(room) : '', name: String(name), role: String(role), identity: String(identity), guest: guest === true, calls: calls === true, wait: wait === true };
  } catch {
    return {};
  }
}

export const claims = givenToken ? tokenClaims() : {};

/** Whether the page is for calling and being called, without a room of its own. */
export const isLobby = givenToken ? claims.calls === true && claims.room === '' : query.get('lobby') === '1';

/** What a reload goes on with is worth keeping: a token that works once, a call, a place in the queue. Else the next token is as good. */
const keeps = givenToken !== null || isLobby || query.get('wait') === '1';

/** For a reload. @param {Kept} fields */
export function keep(fields) {
  if (keeps) history.replaceState({ ...history.state, ...fields }, '');
}

/** As it was when the page was loaded. @type {Kept} */
export const kept = (keeps && history.state) || {};

/** Nothing said who comes or where to: the start page of the development server. */
export const isBare = !givenToken && !isLobby && !['room', 'name', 'role'].some((key) => query.has(key));

/** @returns {Contact[]} */
export function contacts() {
  const given = new URLSearchParams(kept.fragment);
  const from = given.has('call') ? given : query;
  const names = from.getAll('callName');
  return from.getAll('call').map((identity, i) => ({ identity, name: names[i] || identity }));
}

/** @param {Who} who @returns {Promise<string>} */
export async function fetchToken(who) {
  if (givenToken) return givenToken;
  const wishes = new URLSearchParams({ name: who.name, role: who.role, ...(who.identity && { identity: who.identity }) });
  if (isLobby) wishes.set('lobby', '1');
  else wishes.set('room', who.room);
  if (query.get('wait') === '1') wishes.set('wait', '1');
  const response = await fetch(`/dev/token?${wishes}`);
  if (!response.ok) throw Object.assign(new Error('no token'), { code: response.status === 400 ? 'bad_request' : 'token_invalid' });
  return (await response.json()).token;
}

/** Whether this server gives tokens to anybody (--dev). */
export async function isDevelopment() {
  if (givenToken) return false;
  const response = await fetch('/dev/token?lobby=1&name=x&role=patient').catch(() => null);
  return response?.ok === true;
}
