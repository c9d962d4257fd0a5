// server/web/app/connection_test.js: tries the real media path before the call: one connection sends a picture to the server, a
// second one receives what the server forwards of it. In a room of its own (GET /v1/test-room), so nobody sees it.

import { createClient } from '../sdk/consilium.js';

/** All in all; a verdict is there before 15 s have passed. */
const LIMIT_MS = 14_000;
const CONNECT_MS = 7000;
const SAMPLE_MS = 1000;
const SAMPLES = 5;
/** The picture changes all over in each frame, so that it takes what bitrate there is. */
const SIZE = { width: 640, height: 360 };
const FPS = 20;
const BLOCK = 8;

/**
 * The rule, in words: good below 3 % loss and 250 ms, with 500 kbit/s both ways; fair below 8 % and 500 ms, with 150 kbit/s: sound
 * is fine, pictures may stall; poor beyond. Loss and round trip as in the SDK's quality.js.
 */
const GOOD = { loss: 0.03, rttMs: 250, kbps: 500 };
const FAIR = { loss: 0.08, rttMs: 500, kbps: 150 };

/** `blocked`: the server answers, but no media gets through; `unreachable`: not even that. @typedef {'good' | 'fair' | 'poor' | 'blocked' | 'unreachable'} Verdict */
/**
 * `loss`: 0 to 1, the worse direction. `route`: straight to the server or by a relay (TURN), and over which protocol.
 * @typedef {{verdict: Verdict, rttMs?: number, loss?: number, upKbps?: number, downKbps?: number, route?: 'direct' | 'relay', protocol?: string}} ConnectionResult
 */
/** @typedef {{sent: number, received: number, bytesUp: number, bytesDown: number, lostUp: number, lostDown: number, rttMs: number, route: 'direct' | 'relay', protocol: string}} Sample */

/** Noise in colours that nobody need see. @returns {{track: MediaStreamTrack, stop: () => void}} */
function testPicture() {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [SIZE.width, SIZE.height];
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  const draw = () => {
    for (let y = 0; y < SIZE.height; y += BLOCK) {
      for (let x = 0; x < SIZE.width; x += BLOCK) {
        context.fillStyle = `hsl(${Math.floor(Math.random() * 360)} 40% ${30 + Math.floor(Math.random() * 40)}%)`;
        context.fillRect(x, y, BLOCK, BLOCK);
      }
    }
  };
  draw();
  const timer = setInterval(draw, 1000 / FPS);
  const [track] = canvas.captureStream(FPS).getVideoTracks();
  return { track, stop: () => (clearInterval(timer), track.stop()) };
}

export class ConnectionTest {
  /** @type {(() => void)[]} */ #closers = [];
  #stopped = false;
  #token;
  #video;
  #progress;

  /**
   * @param {string} token who asks; it is not used up
   * @param {HTMLVideoElement} video in the page and large enough, though it need not be seen: pictures are sent by the size they are shown
   * @param {(done: number) => void} progress 0 to 1
   */
  constructor(token, video, progress) {
    this.#token = token;
    this.#video = video;
    this.#progress = progress;
  }

  /** @returns {Promise<ConnectionResult>} never throws */
  async run() {
    const limit = new Promise((_, reject) => this.#closers.push(cancel(setTimeout(() => reject(new Error('late')), LIMIT_MS))));
    let reached = /** @type {Verdict} */ ('unreachable');
    try {
      const response = await fetch('/v1/test-room', { headers: { authorization: `Bearer ${this.#token}` } });
      if (!response.ok) throw new Error(String(response.status));
      const tokens = await response.json();
      reached = 'blocked';
      return await Promise.race([this.#measure(tokens), limit.then(() => /** @type {ConnectionResult} */ ({ verdict: reached }))]);
    } catch {
      return { verdict: reached };
    } finally {
      this.stop();
    }
  }

  stop() {
    this.#stopped = true;
    for (const close of this.#closers.splice(0)) close();
  }

  /** @param {{sender: string, receiver: string}} tokens @returns {Promise<ConnectionResult>} */
  async #measure(tokens) {
    const [sender, receiver] = await Promise.all([this.#join(tokens.sender), this.#join(tokens.receiver)]);
    const arrives = new Promise((resolve) => {
      this.#video.onplaying = resolve;
      const show = (/** @type {import('../sdk/consilium.js').Track} */ track) => track.attach(this.#video);
      receiver.on('trackSubscribed', show);
      for (const p of receiver.remoteParticipants.values()) for (const { track } of p.publications.values()) if (track.mediaStreamTrack) show(track);
    });
    const picture = testPicture();
    this.#closers.push(picture.stop, () => (this.#video.srcObject = null));
    await sender.localParticipant.publishTrack('camera', picture.track);
    await Promise.race([arrives, new Promise((_, reject) => this.#closers.push(cancel(setTimeout(() => reject(new Error('no picture')), CONNECT_MS))))]);
    const samples = [await sample(sender, receiver)];
    for (let i = 1; i <= SAMPLES && !this.#stopped; i++) {
      await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
      samples.push(await sample(sender, receiver));
      this.#progress(i / SAMPLES);
    }
    return judge(samples);
  }

  /** @param {string} token */
  async #join(token) {
    const client = createClient({ token });
    this.#closers.push(() => client.disconnect());
    return client.join({ topology: 'never' });
  }
}

/** @param {number | ReturnType<typeof setTimeout>} timer */
const cancel = (timer) => () => clearTimeout(timer);

/** @param {import('../sdk/consilium.js').Room} sender @param {import('../sdk/consilium.js').Room} receiver @returns {Promise<Sample>} */
async function sample(sender, receiver) {
  /** @type {Sample} */
  const s = { sent: 0, received: 0, bytesUp: 0, bytesDown: 0, lostUp: 0, lostDown: 0, rttMs: 0, route: 'direct', protocol: 'udp' };
  const out = await sender.getStats();
  for (const entry of out.values()) {
    if (entry.type === 'outbound-rtp') {
      s.sent += entry.packetsSent ?? 0;
      s.bytesUp += entry.bytesSent ?? 0;
    } else if (entry.type === 'remote-inbound-rtp') {
      s.lostUp += Math.max(0, entry.packetsLost ?? 0);
    } else if (entry.type === 'candidate-pair' && entry.nominated && entry.state === 'succeeded') {
      s.rttMs = Math.max(s.rttMs, (entry.currentRoundTripTime ?? 0) * 1000);
      const local = out.get(entry.localCandidateId);
      if (local) [s.route, s.protocol] = [local.candidateType === 'relay' ? 'relay' : 'direct', local.relayProtocol ?? local.protocol ?? 'udp'];
    }
  }
  for (const entry of (await receiver.getStats()).values()) {
    if (entry.type !== 'inbound-rtp') continue;
    s.received += entry.packetsReceived ?? 0;
    s.bytesDown += entry.bytesReceived ?? 0;
    s.lostDown += Math.max(0, entry.packetsLost ?? 0);
  }
  return s;
}

/** The best second counts as bitrate (it grows at first), the whole for loss. @param {Sample[]} samples one a second @returns {ConnectionResult} */
export function judge(samples) {
  const first = samples[0];
  const last = samples[samples.length - 1];
  const best = (/** @type {'bytesUp' | 'bytesDown'} */ key) => Math.max(0, ...samples.slice(1).map((s, i) => ((s[key] - samples[i][key]) * 8) / SAMPLE_MS));
  const share = (/** @type {number} */ lost, /** @type {number} */ of) => (of > 0 ? Math.min(1, Math.max(0, lost) / of) : 0);
  const [upKbps, downKbps] = [best('bytesUp'), best('bytesDown')];
  const received = last.received - first.received;
  const lostDown = Math.max(0, last.lostDown - first.lostDown);
  const loss = Math.max(share(last.lostUp - first.lostUp, last.sent - first.sent), share(lostDown, received + lostDown));
  const rtts = samples.map((s) => s.rttMs).filter((ms) => ms > 0).sort((a, b) => a - b);
  const rttMs = rtts[Math.floor(rtts.length / 2)] ?? 0;
  const within = (/** @type {typeof GOOD} */ limit) => loss <= limit.loss && rttMs <= limit.rttMs && Math.min(upKbps, downKbps) >= limit.kbps;
  const verdict = received === 0 ? 'blocked' : within(GOOD) ? 'good' : within(FAIR) ? 'fair' : 'poor';
  return { verdict, rttMs, loss, upKbps, downKbps, route: last.route, protocol: last.protocol };
}
