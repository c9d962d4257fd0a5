// Who makes the offers: a page in Chromium or Firefox (puppeteer-core), or a native stack in this process.
// Every peer has offer() -> SDP text, answer(sdp) -> "" or the error's text, and close().
import http from 'node:http';
import os from 'node:os';
import fs from 'node:fs';
import path from 'node:path';
import {createRequire} from 'node:module';

const require = createRequire(new URL('../../browser/package.json', import.meta.url));

export function haveBrowsers() {
  try {
    require.resolve('puppeteer-core');
    return true;
  } catch {
    return false;
  }
}

// getUserMedia needs a secure context, and http://127.0.0.1 is one.
export function serveBlankPage() {
  const server = http.createServer((_, response) => {
    response.setHeader('content-type', 'text/html');
    response.end('<!doctype html><title>peer</title>');
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

const CHROMIUM_FLAGS = ['--headless=new', '--no-sandbox', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream',
  '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync'];
const FIREFOX_PREFS = {'media.navigator.streams.fake': true, 'media.navigator.permission.disabled': true,
  'media.peerconnection.ice.loopback': true, 'media.gmp-manager.updateEnabled': false, 'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false, 'app.normandy.enabled': false, 'browser.region.update.enabled': false};

// Runs inside the page: what a Consilium client offers, on globalThis.peer.
async function createPeer(options) {
  const peer = new RTCPeerConnection({bundlePolicy: options.bundlePolicy ?? 'max-bundle'});
  globalThis.peer = peer;
  const media = await navigator.mediaDevices.getUserMedia({audio: true, video: {width: 1280, height: 720}});
  const canvas = document.createElement('canvas');
  canvas.getContext('2d').fillRect(0, 0, 1, 1);
  const screen = canvas.captureStream(5);
  const layers = [{rid: 'q', scaleResolutionDownBy: 4}, {rid: 'h', scaleResolutionDownBy: 2}, {rid: 'f'}];
  peer.addTransceiver(media.getAudioTracks()[0], {direction: 'sendonly', streams: [media]});
  peer.addTransceiver(media.getVideoTracks()[0], {direction: 'sendonly', streams: [media], sendEncodings: layers});
  peer.addTransceiver(screen.getVideoTracks()[0], {direction: 'sendonly', streams: [screen]});
  for (let i = 0; i < options.slots; i++) peer.addTransceiver('audio', {direction: 'recvonly'});
  for (let i = 0; i < options.slots; i++) peer.addTransceiver('video', {direction: 'recvonly'});
  peer.createDataChannel('reliable');
  const offer = await peer.createOffer();
  if (options.munge) offer.sdp = offer.sdp.replace(/useinbandfec=1/g, 'useinbandfec=1;usedtx=1;stereo=1')
      .replace(/(a=rtcp-fb:111 transport-cc\r\n)/g, '$1a=rtcp-fb:111 nack\r\n');
  await peer.setLocalDescription(offer);
  await Promise.race([new Promise((resolve) => {
    if (peer.iceGatheringState === 'complete') resolve();
    peer.onicegatheringstatechange = () => peer.iceGatheringState === 'complete' && resolve();
  }), new Promise((resolve) => setTimeout(resolve, 5000))]);
  return peer.localDescription.sdp;
}

// Also runs inside the page: what happens later in a call. One sender stops for good, two more slots, new ICE credentials.
async function offerAgain() {
  const peer = globalThis.peer;
  peer.getTransceivers()[2].stop();
  peer.addTransceiver('video', {direction: 'recvonly'});
  peer.addTransceiver('audio', {direction: 'recvonly'});
  await peer.setLocalDescription(await peer.createOffer({iceRestart: true}));
  return peer.localDescription.sdp;
}

// Also runs inside the page. Says what the browser made of the answer.
async function takeAnswer(sdp) {
  const tracks = [];
  globalThis.peer.ontrack = (event) => tracks.push(`${event.transceiver.mid}:${event.streams.map((s) => s.id).join(',')}`);
  try {
    await globalThis.peer.setRemoteDescription({type: 'answer', sdp});
  } catch (error) {
    return {error: String(error)};
  }
  const transceivers = globalThis.peer.getTransceivers().map((t) => ({mid: t.mid, direction: t.currentDirection,
    codecs: t.sender.getParameters().codecs.map((c) => c.mimeType), encodings: t.sender.getParameters().encodings.map((e) => e.rid ?? '')}));
  return {error: '', tracks, transceivers, state: globalThis.peer.signalingState};
}

export async function launch(name, url) {
  const puppeteer = require('puppeteer-core');
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), `consilium-${name}-`));
  const browser = await puppeteer.launch(name === 'firefox'
    ? {browser: 'firefox', executablePath: '/usr/bin/firefox-esr', headless: true, userDataDir: profile, extraPrefsFirefox: FIREFOX_PREFS}
    : {executablePath: '/usr/bin/chromium', headless: false, args: CHROMIUM_FLAGS, userDataDir: profile});
  const version = await browser.version();
  return {
    name, version,
    async open() {
      const page = await browser.newPage();
      await page.goto(url);
      return {offer: (options) => page.evaluate(createPeer, options), answer: (sdp) => page.evaluate(takeAnswer, sdp),
        offerAgain: () => page.evaluate(offerAgain), close: () => page.close()};
    },
    async close() {
      await browser.close();
      fs.rmSync(profile, {recursive: true, force: true, maxRetries: 5});
    },
  };
}

// libwebrtc outside a browser: no camera, so the tracks are synthetic.
export async function nativeOffer() {
  const {RTCPeerConnection, nonstandard} = require('@roamhq/wrtc');
  const peer = new RTCPeerConnection({bundlePolicy: 'max-bundle'});
  peer.addTransceiver(new nonstandard.RTCAudioSource().createTrack(), {direction: 'sendonly'});
  peer.addTransceiver(new nonstandard.RTCVideoSource().createTrack(),
      {direction: 'sendonly', sendEncodings: [{rid: 'q', scaleResolutionDownBy: 4}, {rid: 'h', scaleResolutionDownBy: 2}, {rid: 'f'}]});
  peer.addTransceiver('audio', {direction: 'recvonly'});
  peer.addTransceiver('video', {direction: 'recvonly'});
  peer.createDataChannel('reliable');
  await peer.setLocalDescription(await peer.createOffer());
  const sdp = peer.localDescription.sdp;
  return {sdp, async answer(text) {
    await peer.setRemoteDescription({type: 'answer', sdp: text});
    peer.close();
  }, close: () => peer.close()};
}
