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

test('the link is used up, but not the way back: loaded anew in the call, and left by mistake', { timeout: 60_000 }, async () => {
  const { url } = await link({ role: 'interpreter', ttlSeconds: 600 });
  const guest = await Visitor.open(browser, url, { name: 'Ania', viewport: PHONE });
  await guest.sees('start');
  await guest.type('#start-name', 'Ania');
  await guest.click('#start-join');
  await guest.inCall(0);
  await guest.waitFor(() => ['microphone', 'camera'].every((s) => window.consilium.room.localParticipant.isEnabled(s)), 'sending both');
  await guest.click('#control-microphone');
  await guest.waitFor(() => !window.consilium.room.localParticipant.isEnabled('microphone'), 'muted');
  const here = (n) => doctor.waitFor((count) => {
    const found = [...window.consilium.room.remoteParticipants.values()].filter((p) => p.name === 'Ania');
    return found.length === count && found.every((p) => p.connected);
  }, `seeing ${n} of her`, {}, n);
  await here(1);
  await guest.page.reload();
  await guest.inCall(0); // without a click
  await here(1);
  await guest.waitFor(() => window.consilium.room.localParticipant.isEnabled('camera'), 'filmed again');
  await doctor.seesVideos(1);
  assert.equal(await guest.evaluate(() => window.consilium.room.localParticipant.isEnabled('microphone')), false, 'muted as before');
  await guest.click('#control-leave');
  await guest.sees('ended');
  await here(0);
  await guest.screenshot('guest-left-phone');
  await guest.click('#ended-again');
  await guest.inCall(0);
  await here(1);
  await doctor.seesVideos(1);
  await guest.click('#control-leave');
  await guest.sees('ended');
  await guest.page.reload();
  await guest.sees('start'); // who left is not drawn in again
  assert.equal(await guest.evaluate(() => document.getElementById('start-name').value), 'Ania');
  await guest.click('#start-join');
  await guest.inCall(0);
  await doctor.evaluate(() => window.consilium.room.kick([...window.consilium.room.remoteParticipants.values()].find((p) => p.name === 'Ania')));
  await guest.sees('ended');
  assert.equal(await guest.evaluate(() => document.getElementById('ended-again').hidden), true, 'for whom a doctor removed there is none');
  await guest.page.reload();
  await guest.sees('start');
  await guest.click('#start-join');
  await guest.waitFor(() => /used already/.test(document.getElementById('start-error').textContent), 'told that the link is used up');
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

test('withdrawn in the dialog where it was made; a guest who watches needs no name', { timeout: 60_000 }, async () => {
  const make = async (role, name) => {
    await doctor.choose('#room-menu', 'invite');
    const before = await doctor.evaluate(() => document.querySelectorAll('dialog .guest-link').length);
    await doctor.page.select('dialog .guest [name="role"]', role);
    await doctor.type('dialog [name="guest"]', name);
    await doctor.click('dialog .guest [type="submit"]');
    await doctor.waitFor((n) => document.querySelectorAll('dialog .guest-link').length === n + 1, 'a link', {}, before);
    const url = await doctor.evaluate(() => document.querySelector('dialog .guest-link input').value);
    await doctor.click('dialog [data-action="close-dialog"]');
    return url;
  };
  const wrong = await make('patient', 'Wrong Person');
  const watching = await make('observer', 'Student');
  await doctor.choose('#room-menu', 'invite');
  assert.equal(await doctor.evaluate(() => document.querySelectorAll('dialog .guest-link').length), 2, 'both are still listed');
  await doctor.screenshot('guest-links-made');
  await doctor.page.click('dialog .guest-link:nth-child(2) [data-action="withdraw"]');
  await doctor.waitFor(() => document.querySelectorAll('dialog .guest-link[data-state="withdrawn"]').length === 1, 'withdrawn');
  await doctor.screenshot('guest-link-withdrawn');
  await checkAccess(doctor.page, 'guest links');
  assert.equal(await refusal(wrong, 'withdrawn-in-the-dialog'), 'This link has been used already. Ask for a new one.');
  const guest = await Visitor.open(browser, watching, { name: 'Student', viewport: PHONE });
  await guest.sees('start');
  assert.equal(await guest.evaluate(() => document.getElementById('start-name').checkVisibility()), false);
  await guest.screenshot('guest-link-observer-phone');
  await guest.click('#start-join');
  await guest.sees('room');
  assert.equal(await guest.words('#toasts'), '', 'nothing went wrong');
  await doctor.click('dialog .guest-link:nth-child(1) [data-action="withdraw"]');
  await doctor.waitFor(() => document.querySelectorAll('dialog .guest-link[data-state="used"]').length === 1, 'told that it is too late');
  await doctor.click('dialog [data-action="close-dialog"]');
  await guest.close();
});

test('calling from the dialog: how it stands with each, taken back; many at once are refused in words', { timeout: 60_000 }, async () => {
  const callee = await Visitor.ready(browser, server, { identity: 'patient', name: 'Patient', role: 'patient', viewport: PHONE });
  await doctor.choose('#room-menu', 'invite');
  const call = async (identity) => {
    await doctor.type('dialog [name="identity"]', identity);
    await doctor.click('dialog .call [type="submit"]');
  };
  const says = (words) => doctor.waitFor((w) => [...document.querySelectorAll('.call-state')].at(-1)?.textContent.startsWith(w), `told: ${words}`, {}, words);
  await call('patient');
  await callee.rings();
  await says('Ringing at patient');
  await doctor.screenshot('invite-ringing');
  await doctor.click('dialog .call-state:last-child button');
  await says('The call to patient was cancelled');
  await callee.silent();
  await call('patient');
  await callee.rings();
  await callee.click('dialog.called [data-action="decline"]');
  await says('patient declined');
  for (const nobody of ['a', 'b', 'c', 'd']) {
    await call(`nobody-${nobody}`);
    await says(`nobody-${nobody} has no page open`);
  }
  await call('nobody-e');
  await doctor.waitFor(() => [...document.querySelectorAll('.toast')].some((t) => /Four of your calls are ringing already/.test(t.textContent)), 'told that four ring');
  await doctor.screenshot('invite-too-many');
  // Cancelled and made anew until the credit is used up: twenty people.
  const code = await doctor.evaluate(async () => {
    for (const call of window.consilium.calls.outgoing.values()) await call.cancel();
    for (let i = 0; ; i++) {
      try {
        await (await window.consilium.calls.invite({ identities: [`flood-${i}`] })).cancel();
      } catch (error) {
        return error.code;
      }
    }
  });
  assert.equal(code, 'rate_limited');
  await call('patient');
  await doctor.waitFor(() => [...document.querySelectorAll('.toast')].some((t) => /many people in a short time/.test(t.textContent)), 'told of the flood');
  await checkAccess(doctor.page, 'calls in the dialog');
  await doctor.click('dialog [data-action="close-dialog"]');
  await callee.close();
});

test('what is no link at all', { timeout: 30_000 }, async () => {
  const lost = await Visitor.open(browser, `${server.url}/#token=nonsense`, { name: 'lost' });
  await lost.sees('start');
  await lost.click('#start-join');
  await lost.waitFor(() => document.getElementById('start-error').textContent === 'This link is not valid.', 'told so');
  await lost.close();
});
