// bench/wan_browsers.mjs: what a Chromium behind an emulated link sees and hears: of our server, and of the sender directly.
//
//   sudo node bench/wan_browsers.mjs PROFILE [--seconds 40] [--systems direct,ours] [--camera 960x540] [--seed 1] [--browser firefox]
//                                    [--sender firefox] [--calm 1] [--json FILE] [--plot FOLDER]
//
// One sender on this side of the link, one receiver behind it (bench/wan), the same browsers and the same seeded link for both
// systems, one after the other. The profile's steps and traces begin when the picture is there; with --calm 1 its loss and jitter too. Needs
// build/release (or CONSILIUM, CONSILIUM_WAN) and tests/browser/node_modules.
//
// With --sender firefox the sender is a Firefox. With --browser firefox the receiver is one; it is driven over the network and
// therefore stays outside: server and sender are behind the link instead, so that the profile's downlink is their uplink.
//
// Printed: frames per second (of those that the sender encoded: a busy machine encodes fewer), share of time frozen (the browser's
// own count: a gap three times the usual, or 150 ms longer), share of audio concealed, received video kbit/s, seconds from joining
// to the first and to the largest picture, and the height of the picture by second. Audio made up is counted as long as it is
// heard; after that, in an outage, it is `silent`. --plot writes FOLDER/wan-PROFILE.svg; wan_report.mjs makes a table of --json files.
// How busy the machine was, and for how long at most this program was kept waiting, is in the JSON: what a busy machine does to two
// browsers is no link's doing. Whole series: wan_series.mjs.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { nameOf, plot } from './wan_plot.mjs';
import { launch } from '../tests/browser/lib/browsers.mjs';
import { binary, Server } from '../tests/browser/lib/server.mjs';

const options = { seconds: '40', systems: 'direct,ours', camera: '960x540', seed: '1', browser: 'chromium', sender: 'chromium', calm: '', json: '', plot: '' };
const [profile, ...rest] = process.argv.slice(2);
for (let i = 0; i + 1 < rest.length; i += 2) options[rest[i].slice(2)] = rest[i + 1];
if (!profile) throw new Error('usage: wan_browsers.mjs PROFILE [--seconds N] [--systems direct,ours] [--camera WxH] [--seed N] [--browser firefox] [--json FILE] [--plot FOLDER]');
process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
const [width, height] = options.camera.split('x').map(Number);
const number = 100 + (process.pid % 100);
const outside = `10.77.${number}.1`;
const flags = ['--ignore-certificate-errors', '--disable-features=WebRtcHideLocalIpsWithMdns,MediaRouter,OptimizationHints'];

/** A program that runs Chromium behind the link. */
function behindLink(chromium) {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'consilium-wan-')), 'chromium');
  const wan = new URL('./wan', import.meta.url).pathname;
  fs.writeFileSync(file, `#!/bin/sh\nexec ${wan} run ${profile} --seed ${options.seed} --number ${number} -- ${chromium} "$@"\n`, { mode: 0o755 });
  return file;
}

/** Runs in the receiving page: what was received so far; zeros before anything was. */
async function count() {
  const total = {
    at: performance.now(), frames: 0, frozen: 0, concealed: 0, silent: 0, samples: 0, bytes: 0, height: 0, keyframes: 0, dropped: 0,
    received: 0, nacks: 0, plis: 0, again: 0, waited: 0, emitted: 0, target: 0, least: 0,
  };
  for (const report of (await window.receiver()).values()) {
    if (report.type !== 'inbound-rtp') continue;
    if (report.kind === 'audio') {
      total.concealed += (report.concealedSamples ?? 0) - (report.silentConcealedSamples ?? 0);
      total.silent += report.silentConcealedSamples ?? 0;
      total.samples += report.totalSamplesReceived ?? 0;
    } else {
      total.frames += report.framesDecoded ?? 0;
      total.frozen += report.totalFreezesDuration ?? 0;
      total.bytes += report.bytesReceived ?? 0;
      total.height = Math.max(total.height, report.frameHeight ?? 0);
      total.received += report.framesReceived ?? 0;
      total.dropped += report.framesDropped ?? 0;
      total.keyframes += report.keyFramesDecoded ?? 0;
      total.nacks += report.nackCount ?? 0;
      total.plis += report.pliCount ?? 0;
      total.again += report.retransmittedPacketsReceived ?? 0;
      total.waited += report.jitterBufferDelay ?? 0;
      total.target += report.jitterBufferTargetDelay ?? 0;
      total.least += report.jitterBufferMinimumDelay ?? 0;
      total.emitted += report.jitterBufferEmittedCount ?? 0;
    }
  }
  return total;
}

// ---- the systems: each makes window.receiver() in the receiving page, and says when it began ---------------------------

/** Two peer connections, offer and answer carried by hand. */
async function connectDirectly(sender, receiver, url) {
  await Promise.all([sender.goto(`${url}/healthz`), receiver.goto(`${url}/healthz`)]);
  const offer = await sender.evaluate(async (w, h) => {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: w, height: h, frameRate: 30 } });
    window.connection = new RTCPeerConnection();
    for (const track of stream.getTracks()) window.connection.addTrack(track, stream);
    await window.connection.setLocalDescription();
    while (window.connection.iceGatheringState !== 'complete') await new Promise((done) => window.connection.addEventListener('icegatheringstatechange', done, { once: true }));
    return window.connection.localDescription.sdp;
  }, width, height);
  const began = await receiver.evaluate(() => performance.now());
  const answer = await receiver.evaluate(async (sdp) => {
    window.connection = new RTCPeerConnection();
    window.connection.addEventListener('track', ({ track, streams }) => {
      const element = document.createElement(track.kind);
      element.autoplay = true;
      element.srcObject = streams[0];
      document.documentElement.append(element);
    });
    window.receiver = () => window.connection.getStats();
    await window.connection.setRemoteDescription({ type: 'offer', sdp });
    await window.connection.setLocalDescription();
    while (window.connection.iceGatheringState !== 'complete') await new Promise((done) => window.connection.addEventListener('icegatheringstatechange', done, { once: true }));
    return window.connection.localDescription.sdp;
  }, offer);
  await sender.evaluate((sdp) => window.connection.setRemoteDescription({ type: 'answer', sdp }), answer);
  return began;
}

/** The room page as people use it; the receiver watches as a hidden observer. */
async function connectByServer(sender, receiver, url) {
  await sender.evaluateOnNewDocument((w, h) => {
    const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = (wish) => open({ ...wish, ...(wish.video && { video: { width: w, height: h, frameRate: 30 } }) });
  }, width, height);
  const query = (name, role) => new URLSearchParams({ room: `wan-${process.pid}`, name, role, autojoin: '1', lang: 'en', topology: 'never' });
  await sender.goto(`${url}/?${query('Sender', 'doctor')}`);
  await sender.waitForFunction(() => window.consilium?.room?.localParticipant.publication('camera')?.id, { timeout: 30_000 });
  await sleep(8000); // its encoder has begun slowly, and is at its rate now, as that of a consultation that goes on
  await receiver.goto(`${url}/?${query('Receiver', 'observer')}`, { timeout: 60_000 });
  const began = await receiver.evaluate(() => performance.now());
  await receiver.waitForFunction(() => window.consilium?.room?.localParticipant.id, { timeout: 60_000 });
  await receiver.evaluate(() => (window.receiver = () => window.consilium.room.getStats()));
  return began;
}

/** Runs in the sending page: frames encoded so far, by the layer that has most: what there was to receive. */
async function countSent() {
  const reports = [...(await (window.consilium?.room ?? window.connection).getStats()).values()];
  return Math.max(0, ...reports.filter((r) => r.type === 'outbound-rtp' && r.kind === 'video').map((r) => r.framesEncoded ?? 0));
}

/** Runs in the sending page, for --json: what its encoders were asked for and do. */
async function lookAtEncoders() {
  const connections = window.consilium?.room ? [window.consilium.room] : [window.connection];
  const reports = [...(await connections[0].getStats()).values()].filter((r) => r.type === 'outbound-rtp' && r.kind === 'video');
  return reports.map((r) => ({
    rid: r.rid, active: r.active, target: r.targetBitrate, bytes: r.bytesSent, frames: r.framesEncoded, fps: r.framesPerSecond,
    height: r.frameHeight, limited: r.qualityLimitationReason, keyframes: r.keyFramesEncoded, qpSum: r.qpSum,
  }));
}

/** Runs in the receiving page, for --json: how its connection is. */
async function lookAtConnection() {
  const reports = [...(await window.receiver()).values()];
  const audio = reports.filter((r) => r.type === 'inbound-rtp' && r.kind === 'audio').reduce((sum, r) => sum + (r.packetsReceived ?? 0), 0);
  const transport = reports.find((r) => r.type === 'transport');
  const pair = reports.find((r) => r.id === transport?.selectedCandidatePairId);
  return {
    audioPackets: audio, ice: transport?.iceState, dtls: transport?.dtlsState, received: transport?.packetsReceived,
    sent: transport?.packetsSent, pair: pair?.state, asked: pair?.requestsSent, answered: pair?.responsesReceived, rtt: pair?.currentRoundTripTime,
  };
}

/** What the server thinks of the receiver's link, for --json. */
async function askServer() {
  const room = await server.room(`wan-${process.pid}`).catch(() => null);
  const receiver = room?.participants.find((p) => p.role === 'observer');
  const camera = room?.participants.flatMap((p) => p.tracks).find((t) => t.source === 'camera');
  return receiver ? { link: receiver.link, sent: receiver.sent, received: camera?.received } : null;
}

/** What each second brought, from running totals. The height is 0 where nothing moved. */
function bySecond(samples, seconds) {
  const series = {
    fps: [], kbps: [], height: [], frozenShare: [], concealedShare: [], frozen: [], keyframes: [], dropped: [], nacks: [], plis: [],
    again: [], received: [], waitedMs: [], targetMs: [], leastMs: [],
  };
  const at = (second) => samples.findLast((s) => s.at - samples[0].at <= second * 1000 + 125) ?? samples[0];
  for (let second = 0; second < seconds; second++) {
    const [from, to] = [at(second), at(second + 1)];
    const spent = Math.max(0.001, (to.at - from.at) / 1000);
    series.fps.push((to.frames - from.frames) / spent);
    series.kbps.push(((to.bytes - from.bytes) * 8) / 1000 / spent);
    for (const field of ['waited', 'target', 'least']) series[`${field}Ms`].push(Math.round((1000 * (to[field] - from[field])) / Math.max(1, to.emitted - from.emitted)));
    series.frozenShare.push(Math.min(100, (100 * (to.frozen - from.frozen)) / spent));
    series.concealedShare.push((100 * (to.concealed + to.silent - from.concealed - from.silent)) / Math.max(1, to.samples - from.samples));
    series.height.push(to.frames > from.frames ? to.height : 0);
    for (const field of ['frozen', 'keyframes', 'dropped', 'nacks', 'plis', 'again', 'received']) series[field].push(Number((to[field] - from[field]).toFixed(3)));
  }
  return series;
}

/** The longest time without a new picture: how long, and until when. @param {{at: number, frames: number}[]} samples */
function longestGap(samples) {
  let gap = { seconds: 0, until: 0 };
  let since = samples[0];
  for (const sample of samples) {
    if (sample.frames === since.frames) continue;
    const seconds = (sample.at - since.at) / 1000;
    if (seconds > gap.seconds) gap = { seconds, until: (sample.at - samples[0].at) / 1000 };
    since = sample;
  }
  return gap;
}

/** How busy the machine is from now on: the share of its time that is spent, and the longest wait of this program. */
function watchMachine() {
  const spent = () => os.cpus().reduce(([busy, all], { times }) => [busy + times.user + times.nice + times.sys + times.irq, all + times.user + times.nice + times.sys + times.irq + times.idle], [0, 0]);
  const [busyBefore, allBefore] = spent();
  const waits = monitorEventLoopDelay({ resolution: 10 });
  waits.enable();
  return () => {
    const [busy, all] = spent();
    waits.disable();
    return { busyPercent: Math.round((100 * (busy - busyBefore)) / (all - allBefore)), longestWaitMs: Math.round(waits.max / 1e6) };
  };
}

// ---- one measurement -----------------------------------------------------------------------------------------------

async function measure(system, sender, receiver, url, restartSteps) {
  const began = await (system === 'direct' ? connectDirectly : connectByServer)(sender, receiver, url);
  let first = await receiver.evaluate(count);
  for (let i = 0; i < 100 && first.frames === 0; i++) {
    await sleep(100);
    first = await receiver.evaluate(count);
  }
  restartSteps();
  const machine = watchMachine();
  const samples = [first];
  const sentBefore = await sender.evaluate(countSent);
  const links = [];
  let top = first.height;
  let topAt = first.at;
  const until = Date.now() + Number(options.seconds) * 1000;
  while (Date.now() < until) {
    await sleep(250);
    const now = await receiver.evaluate(count);
    samples.push(now);
    if (options.json && samples.length % 4 === 0) {
      const encoders = await sender.evaluate(lookAtEncoders);
      const connection = await receiver.evaluate(lookAtConnection);
      links.push({ second: (now.at - first.at) / 1000, encoders, connection, ...(system === 'ours' && (await askServer())) });
    }
    if (now.height > top) [top, topAt] = [now.height, now.at];
  }
  const last = samples.at(-1);
  const seconds = (last.at - first.at) / 1000;
  const sent = (await sender.evaluate(countSent)) - sentBefore;
  const series = bySecond(samples, Math.floor(seconds));
  return {
    profile, system, browser: options.browser, sender: options.sender, camera: options.camera, seed: Number(options.seed), versions, seconds, machine: machine(),
    fps: (last.frames - first.frames) / seconds, sentFps: sent / seconds, gap: longestGap(samples), links,
    frozen: (100 * (last.frozen - first.frozen)) / seconds,
    concealed: (100 * (last.concealed - first.concealed)) / Math.max(1, last.samples - first.samples),
    silent: (100 * (last.silent - first.silent)) / Math.max(1, last.samples - first.samples),
    kbps: ((last.bytes - first.bytes) * 8) / 1000 / seconds, firstPicture: (first.at - began) / 1000, toTop: (topAt - began) / 1000, top, series,
  };
}

/** 540 540 0 0 270 → 540×2 -×2 270×1 */
function runs(heights) {
  const list = [];
  for (const h of heights) {
    if (list.at(-1)?.h === h) list.at(-1).n++;
    else list.push({ h, n: 1 });
  }
  return list.map(({ h, n }) => `${h || '–'}×${n}`).join(' ');
}

/** The browsers, the server and how the link's steps begin again. */
async function setUp() {
  const listen = ['--lan', '--http', `0.0.0.0:${20000 + (process.pid % 20000)}`];
  if (options.browser !== 'firefox') {
    const [near, far] = [options.sender === 'firefox' ? await launch('firefox', { wrap: (program) => program }) : await launch('chromium', { args: flags }), await launch('chromium', { args: flags, wrap: behindLink })];
    const server = await Server.start({ args: listen });
    return { near, far, server, host: outside, link: far.process() }; // the link's process: everything before it was replaced by exec
  }
  const near = await launch('chromium', { args: flags, wrap: behindLink });
  const namespace = `/proc/${fs.readFileSync(`/proc/${near.process().pid}/task/${near.process().pid}/children`, 'utf8').trim().split(' ')[0]}/ns/net`;
  const server = await Server.start({ args: listen, prefix: ['nsenter', `--net=${namespace}`] });
  const far = await launch('firefox', { wrap: (program) => program });
  return { near, far, server, host: `10.77.${number}.2`, link: near.process() };
}

const results = [];
const commit = spawnSync('git', ['-C', new URL('.', import.meta.url).pathname, 'describe', '--always', '--dirty'], { encoding: 'utf8' }).stdout.trim();
const { near, far, server, host, link } = await setUp();
/** @type {string} of the program itself: of when its build folder was configured */
const built = /\((\w+)\)/.exec(spawnSync(binary, ['--version'], { encoding: 'utf8' }).stdout)?.[1] ?? 'unknown';
const versions = { commit, built, sender: await near.version(), receiver: await far.version() };
try {
  const url = `https://${host}:${new URL(server.url).port}`;
  for (const system of options.systems.split(',')) {
    link.kill('SIGUSR1'); // each system meets the same trace, joining too
    await sleep(50); // signals of two kinds have no order
    if (options.calm) link.kill('SIGUSR2');
    const [a, b] = [await near.createBrowserContext(), await far.createBrowserContext()];
    const [sender, receiver] = [await a.newPage(), await b.newPage()];
    if (process.env.WAN_CONSOLE) receiver.on('console', (message) => console.log(`  ${new Date().toISOString().slice(17)} ${message.text()}`));
    const result = await measure(system, sender, receiver, url, () => link.kill('SIGUSR1'));
    results.push(result);
    console.log(`| ${profile} | ${system} | ${result.fps.toFixed(1)} of ${result.sentFps.toFixed(1)} | ${result.frozen.toFixed(1)} | ${result.concealed.toFixed(1)} | ${result.kbps.toFixed(0)} | ${result.firstPicture.toFixed(1)} | ${result.toTop.toFixed(1)} | ${runs(result.series.height)} |`);
    await Promise.all([a.close(), b.close()]);
  }
} catch (error) {
  console.error(server.log.split('\n').slice(-10).join('\n'));
  throw error;
} finally {
  if (options.json) fs.writeFileSync(options.json, JSON.stringify(results, null, 1));
  if (options.plot && results.length) fs.writeFileSync(path.join(options.plot, `wan-${nameOf(results[0])}.svg`), plot(results));
  await Promise.all([near.close(), far.close(), server.stop()]);
}
