// tests/browser/waiting.test.mjs: a patient comes by a guest link and waits; the doctor admits, sends back, declines. Who waits
// sees the own picture and how it stands with the doctor, never anybody else who waits.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { checkAccess } from './lib/access.mjs';
import { launch, Member } from './lib/browsers.mjs';
import { Server } from './lib/server.mjs';
import { PHONE, Visitor } from './lib/visitor.mjs';

let server;
let browser;
/** @type {Member} */ let doctor;

before(async () => {
  server = await Server.start();
  browser = await launch('chromium');
  doctor = await Member.join(browser, server.url, { room: 'practice', name: 'Dr. Lee' }, { camera: '0' });
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

const link = (fields = {}) => doctor.evaluate((f) => window.consilium.room.createGuestLink({ role: 'patient', ...f }).then((l) => l.url), fields);
const waiting = (count) => doctor.waitFor((n) => window.consilium.room.waiting.length === n, `told of ${count} who wait`, {}, count);

/** Opens a link as a patient would, says a name and joins. */
async function arrive(name, how = {}) {
  const patient = await Visitor.open(browser, `${await link()}`, { name, ...how });
  await patient.sees('start');
  await patient.type('#start-name', name);
  await patient.click('#start-join');
  return patient;
}

test('the patient waits, with a picture of her own, and is admitted by the doctor', { timeout: 60_000 }, async () => {
  const maria = await arrive('Maria', { viewport: PHONE });
  await maria.sees('waiting');
  await waiting(1);
  assert.deepEqual(await doctor.evaluate(() => [...document.querySelectorAll('.toast p')].map((t) => t.textContent)), ['Maria is waiting'], 'never as a guest without a name');
  await maria.waitFor(() => document.querySelector('#waiting.has-picture video')?.videoWidth > 0, 'seeing herself');
  await maria.waitFor(() => document.getElementById('waiting').dataset.doctor === 'present', 'told that the doctor is there');
  await maria.screenshot('waiting-phone');
  await checkAccess(maria.page, 'waiting');
  const other = await arrive('Somebody Else');
  await waiting(2);
  assert.ok(!(await maria.words('#waiting')).includes('Somebody'), 'nobody else is shown');
  const [first, second] = await doctor.evaluate(() => window.consilium.room.waiting);
  assert.ok(first.since <= second.since, 'oldest first');
  await doctor.evaluate((id) => window.consilium.room.admit(id), first.id);
  await maria.inCall(0);
  await doctor.waitFor(() => ![...document.querySelectorAll('.toast p')].some((t) => t.textContent === 'Maria is waiting'), 'told no more that she waits');
  await doctor.seesVideos(1);
  await doctor.waitFor(() => [...window.consilium.room.remoteParticipants.values()][0].name === 'Maria', 'reading the name that she gave');
  await other.waitFor(() => document.getElementById('waiting').dataset.doctor === 'busy', 'told that the doctor is busy');
  // A page that is loaded anew waits at the same place, in front of who came after it.
  const [{ id, since }] = await doctor.evaluate(() => window.consilium.room.waiting);
  const later = await arrive('Later');
  await waiting(2);
  await doctor.evaluate(() => {
    window.gone = [];
    window.consilium.room.on('waitingChanged', (_, { removed }) => removed && window.gone.push(removed.name));
  });
  await other.page.reload();
  await other.waitFor(() => document.getElementById('waiting').dataset.doctor === 'busy', 'waiting again, without a click');
  await doctor.waitFor((w) => window.consilium.room.waiting.some((p) => p.id === w && p.connected), 'told that he is there again', {}, id);
  assert.deepEqual(await doctor.evaluate(() => [window.consilium.room.waiting.map((w) => w.name), window.gone]), [['Somebody Else', 'Later'], []]);
  assert.equal(await other.evaluate(() => window.consilium.waiting.since), since);
  assert.match(await other.words('#waiting-state'), /with another patient/);
  await later.click('#waiting-leave');
  await waiting(1);
  await later.close();

  // Back into the queue, with a word, and in again.
  await doctor.evaluate(() => window.consilium.room.sendBack([...window.consilium.room.remoteParticipants.keys()][0], 'One moment, please.'));
  await maria.sees('waiting');
  await maria.waitFor(() => !document.getElementById('waiting-note').hidden, 'told why');
  assert.match(await maria.words('#waiting-note'), /One moment, please\./);
  await maria.screenshot('waiting-sent-back-phone');
  await checkAccess(maria.page, 'sent back');
  await waiting(2);
  assert.equal(await doctor.evaluate(() => window.consilium.room.admitAll()), 2);
  await Promise.all([maria.sees('room'), other.sees('room')]);
  await doctor.seesVideos(2);
  for (const patient of [maria, other]) assert.deepEqual(patient.takeErrors(), [], patient.name);
  await Promise.all([maria.close(), other.close()]);
});

test('the doctor declines, in words of his own; the patient may also stop waiting', { timeout: 40_000 }, async () => {
  const patient = await arrive('Declined');
  await waiting(1);
  await doctor.click('#room-people');
  await doctor.click('#queue-list [data-action="decline"]');
  await doctor.type('dialog [name="words"]', 'Please come back <b>at three</b>.');
  await doctor.screenshot('waiting-decline-with');
  await checkAccess(doctor.page, 'declining with a message');
  await doctor.page.keyboard.press('Enter');
  await patient.sees('ended');
  assert.equal(await patient.words('#ended-title'), 'The doctor cannot see you now');
  assert.equal(await patient.words('#ended-text'), '“Please come back <b>at three</b>.”', 'text, not HTML');
  await patient.screenshot('waiting-declined');
  await checkAccess(patient.page, 'declined');
  const leaver = await arrive('Leaver');
  await waiting(1);
  await leaver.click('#waiting-leave');
  await leaver.sees('ended');
  await waiting(0);
  for (const p of [patient, leaver]) await p.close();
});

test('a lost connection keeps the place; closing the room ends the wait', { timeout: 40_000 }, async () => {
  const patient = await arrive('Patient One');
  await waiting(1);
  await patient.evaluate(() => window.consilium.simulateSignalLoss(500));
  await doctor.waitFor(() => window.consilium.room.waiting[0]?.connected === false, 'told that she is away');
  await doctor.waitFor(() => window.consilium.room.waiting[0]?.connected === true, 'told that she is back');
  await patient.sees('waiting');
  await doctor.evaluate(() => window.consilium.room.closeForAll());
  await patient.sees('ended');
  assert.equal(await patient.words('#ended-title'), 'The consultation ended before you were let in');
  await patient.screenshot('waiting-closed');
  await patient.close();
});
