// tests/browser/guest_links.test.mjs: links for guests without an account: used once, expired, withdrawn, foreign; and what the page
// does with the token.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, before, test } from 'node:test';
import { checkAccess } from './lib/access.mjs';
import { launch, Member } from './lib/browsers.mjs';
import { Server } from './lib/server.mjs';
import { PHONE, Visitor } from './lib/visitor.mjs';

const SECRET = 'a secret of this test alone, long enough for HS256';

let server;
let browser;
/** @type {Member} */ let doctor;

before(async () => {
  server = await Server.start({ args: ['--set', `tokens.secret=${SECRET}`] });
  browser = await launch('chromium');
  doctor = await Member.join(browser, server.url, { room: 'links', name: 'Dr. Lee' }, { camera: '0' });
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

const link = (fields) => doctor.evaluate((f) => window.consilium.room.createGuestLink(f), fields);

/** A link as the server would have made it, but for what is changed. */
function forged(claims, secret = SECRET) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const body = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ room: 'links', identity: 'guest-x', name: 'Guest', role: 'patient', jti: crypto.randomUUID(), exp: now + 600, guest: true, wait: true, ...claims })}`;
  return `${server.url}/#token=${body}.${crypto.createHmac('sha256', secret).update(body).digest('base64url')}`;
}

/** What a page says that was opened with this link, when it tries to join. */
async function refusal(url, name) {
  const guest = await Visitor.open(browser, url, { name });
  await guest.type('#start-name', name);
  await guest.click('#start-join');
  await guest.waitFor(() => !document.getElementById('start-error').hidden, 'told why not');
  const words = await guest.words('#start-error');
  await guest.screenshot(`guest-link-${name}`);
  await guest.close();
  return words;
}

test('an interpreter comes by a link, once; a reload before the join keeps it, and the address bar does not show it', { timeout: 60_000 }, async () => {
  const { url, link: name } = await link({ role: 'interpreter', name: 'Interpreter (Polish)', ttlSeconds: 600 });
  assert.ok(url.startsWith(`${server.url}/#token=`));
  const guest = await Visitor.open(browser, url, { name: 'interpreter', viewport: PHONE });
  await guest.sees('start');
  assert.equal(await guest.evaluate(() => location.hash), '', 'the token is not left in sight');
  await guest.page.reload();
  await guest.sees('start');
  assert.equal(await guest.evaluate(() => document.getElementById('start-name').value), 'Interpreter (Polish)');
  assert.match(await guest.words('#start-lead'), /as Interpreter/);
  await guest.screenshot('guest-link-arrival-phone');
  await checkAccess(guest.page, 'guest link');
  await guest.click('#start-join');
  await guest.inCall(0);
  await doctor.waitFor(() => [...window.consilium.room.remoteParticipants.values()].some((p) => p.role === 'interpreter'), 'seeing the interpreter');
  assert.equal(await refusal(url, 'used'), 'This link has been used already. Ask for a new one.');
  assert.equal(await doctor.evaluate((l) => window.consilium.room.revokeGuestLink(l), name), true, 'too late to withdraw');
  assert.deepEqual(guest.takeErrors(), []);
  await guest.close();
});

test('withdrawn, expired, of another server, of another room', { timeout: 60_000 }, async () => {
  const { url, link: name } = await link({ role: 'patient' });
  assert.equal(await doctor.evaluate((l) => window.consilium.room.revokeGuestLink(l), name), false);
  assert.equal(await refusal(url, 'withdrawn'), 'This link has been used already. Ask for a new one.');
  assert.equal(await refusal(forged({ exp: Math.floor(Date.now() / 1000) - 1 }), 'expired'), 'This link has expired.');
  assert.equal(await refusal(forged({}, `${SECRET}, but another`), 'foreign'), 'This link is not valid.');
  const other = await Member.join(browser, server.url, { room: 'elsewhere', name: 'Dr. Novak' }, { camera: '0', microphone: '0' });
  const code = await other.evaluate((l) => window.consilium.room.revokeGuestLink(l).catch((error) => error.code), name);
  assert.equal(code, 'link_not_found', 'a link of another room');
  await other.close();
});

test('what is no link at all', { timeout: 30_000 }, async () => {
  const lost = await Visitor.open(browser, `${server.url}/#token=nonsense`, { name: 'lost' });
  await lost.sees('start');
  await lost.click('#start-join');
  await lost.waitFor(() => document.getElementById('start-error').textContent === 'This link is not valid.', 'told so');
  await lost.close();
});
