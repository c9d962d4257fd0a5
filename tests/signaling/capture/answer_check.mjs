// Holds the server's answers to Chromium, Firefox and libwebrtc: a real offer goes through sdp_answer_tool, and
// setRemoteDescription must take the answer, with the directions, codecs, layers and slots the server meant.
// Usage: node answer_check.mjs TOOL [chromium|firefox|wrtc ...]; exits 77 (skipped) when a peer is not installed.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import {spawnSync} from 'node:child_process';
import {haveBrowsers, launch, nativeOffer, serveBlankPage} from './peers.mjs';

const [tool, ...wanted] = process.argv.slice(2);
const paths = {chromium: '/usr/bin/chromium', firefox: '/usr/bin/firefox-esr'};
let passed = 0;

function answerTo(offer, codecs) {
  const run = spawnSync(tool, [codecs], {input: offer, encoding: 'utf8'});
  assert.equal(run.status, 0, run.stderr);
  return run.stdout;
}

function check(name, verdict, codecs, slots) {
  assert.equal(verdict.error, '', `${name}: the answer was refused`);
  assert.equal(verdict.state, 'stable');
  const [microphone, camera, screen, ...receivers] = verdict.transceivers;
  for (const sender of [microphone, camera, screen]) assert.equal(sender.direction, 'sendonly', JSON.stringify(sender));
  assert.equal(receivers.length, 2 * slots);
  for (const receiver of receivers) assert.equal(receiver.direction, 'recvonly');
  assert.deepEqual(camera.encodings, ['q', 'h', 'f']);
  assert.equal(verdict.tracks.length, 2 * slots, verdict.tracks.join(' '));
  const streams = verdict.tracks.map((track) => /^\d+:(slots\d+)$/.exec(track)?.[1]);
  for (const stream of streams) assert.equal(streams.filter((s) => s === stream).length, 2, `sound and pictures in pairs: ${verdict.tracks.join(' ')}`);
  assert.equal(microphone.codecs[0], 'audio/opus');
  const [first] = codecs.split(',');
  const offered = camera.codecs.includes(`video/${first}`);
  if (offered) assert.equal(camera.codecs[0], `video/${first}`, camera.codecs.join(' '));
  assert.ok(!camera.codecs.some((c) => /red|ulpfec|flexfec/.test(c)), camera.codecs.join(' '));
  passed++;
  console.log(`ok ${name} ${codecs}: ${camera.codecs.join(' ')}`);
}

// A second negotiation: the stopped section is answered with port 0 and may be recycled, the others stay.
async function checkAgain(name, page, codecs, slots) {
  const verdict = await page.answer(answerTo(await page.offerAgain(), codecs));
  assert.equal(verdict.error, '', `${name}: the second answer was refused`);
  assert.equal(verdict.state, 'stable');
  assert.equal(verdict.transceivers.filter((t) => t.direction === 'recvonly').length, 2 * slots + 2);
  assert.equal(verdict.transceivers.filter((t) => t.direction === 'sendonly').length, 2);
  passed++;
  console.log(`ok ${name} ${codecs}: a second offer`);
}

async function checkBrowser(name) {
  const server = await serveBlankPage();
  const browser = await launch(name, `http://127.0.0.1:${server.address().port}/`);
  console.log(`${name}: ${browser.version}`);
  try {
    for (const [codecs, options] of [['VP8,H264', {slots: 3}], ['H264,VP8', {slots: 1, munge: name === 'chromium'}],
      ['AV1,VP9,VP8', {slots: 1, bundlePolicy: 'balanced'}]]) {
      const page = await browser.open();
      check(name, await page.answer(answerTo(await page.offer(options), codecs)), codecs, options.slots);
      await checkAgain(name, page, codecs, options.slots);
      await page.close();
    }
  } finally {
    await browser.close();
    server.close();
  }
}

async function checkNative() {
  const peer = await nativeOffer();
  await peer.answer(answerTo(peer.sdp, 'VP8,H264'));
  passed++;
  console.log('ok wrtc');
}

for (const name of wanted.length > 0 ? wanted : ['chromium', 'firefox', 'wrtc']) {
  if (!haveBrowsers() || (paths[name] && !fs.existsSync(paths[name]))) {
    console.log(`${name}: not installed`);
    process.exit(77);
  }
  await (name === 'wrtc' ? checkNative() : checkBrowser(name));
}
console.log(`${passed} passed, 0 failed`);
process.exit(0);
