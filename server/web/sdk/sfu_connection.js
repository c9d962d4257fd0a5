// server/web/sdk/sfu_connection.js: the PeerConnection to the server: senders, slots, data channels. Only we offer.
//
// Order of m-lines: microphone, camera, slots, data; further senders (screen) and slots are appended when they are first
// needed. A slot is a receive-only transceiver that the server fills with whichever track it assigns; filling, emptying
// and refilling it needs no negotiation.

import { Emitter } from './emitter.js';
import { ConsiliumError } from './errors.js';

/** @typedef {import('./tracks.js').Source} Source */
/** @typedef {import('./signal.js').Signal} Signal */
/** @typedef {{
 *   state: [state: 'connecting' | 'connected' | 'disconnected' | 'failed'],
 *   data: [from: string, payload: Uint8Array, reliable: boolean],
 * }} SfuEvents */

const FIRST_AUDIO_SLOTS = 4;
const FIRST_VIDEO_SLOTS = 4;
/** Lowest first: browsers drop from the end when the machine or the link is too weak. */
const CAMERA_LAYERS = [
  { rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 500_000 },
  { rid: 'f', scaleResolutionDownBy: 1, maxBitrate: 1_700_000 },
];
const SCREEN_ENCODINGS = [{ maxBitrate: 2_500_000, maxFramerate: 15 }];

/** @extends {Emitter<SfuEvents>} */
export class SfuConnection extends Emitter {
  /** @type {Map<Source, RTCRtpTransceiver>} */ #senders = new Map();
  /** @type {{audio: RTCRtpTransceiver[], video: RTCRtpTransceiver[]}} */ #slots = { audio: [], video: [] };
  /** @type {Promise<void>} */ #negotiations = Promise.resolve();
  #closed = false;
  #signal;

  /** @param {Signal} signal @param {RTCIceServer[]} iceServers */
  constructor(signal, iceServers) {
    super();
    this.#signal = signal;
    const pc = new RTCPeerConnection({ iceServers, bundlePolicy: 'max-bundle' });
    this.pc = pc;
    pc.onconnectionstatechange = () => this.#onState();
    this.#senders.set('microphone', pc.addTransceiver('audio', { direction: 'sendonly' }));
    this.#senders.set('camera', pc.addTransceiver('video', { direction: 'sendonly', sendEncodings: CAMERA_LAYERS }));
    this.reliable = pc.createDataChannel('reliable');
    this.lossy = pc.createDataChannel('lossy', { ordered: false, maxRetransmits: 0 });
    for (const channel of [this.reliable, this.lossy]) {
      channel.binaryType = 'arraybuffer';
      channel.onmessage = (e) => this.#onData(e.data, channel === this.reliable);
    }
    this.#addSlots(FIRST_AUDIO_SLOTS, FIRST_VIDEO_SLOTS);
  }

  /** @param {number} audio @param {number} video how many there shall be in total */
  #addSlots(audio, video) {
    const before = this.#slots.audio.length + this.#slots.video.length;
    while (this.#slots.audio.length < audio) this.#slots.audio.push(this.pc.addTransceiver('audio', { direction: 'recvonly' }));
    while (this.#slots.video.length < video) this.#slots.video.push(this.pc.addTransceiver('video', { direction: 'recvonly' }));
    return this.#slots.audio.length + this.#slots.video.length > before;
  }

  /**
   * Offers, one negotiation at a time.
   * @param {{iceRestart?: boolean}} [options]
   */
  negotiate(options = {}) {
    const next = this.#negotiations.then(async () => {
      if (this.#closed) return;
      const offer = await this.pc.createOffer(options);
      await this.pc.setLocalDescription(offer);
      const { sdp } = await this.#signal.request('offer', { sdp: this.pc.localDescription?.sdp });
      if (!this.#closed) await this.pc.setRemoteDescription({ type: 'answer', sdp });
    });
    this.#negotiations = next.catch(() => {});
    return next;
  }

  /**
   * The server has more to send than there are slots.
   * @param {number} audio @param {number} video
   */
  async growSlots(audio, video) {
    if (this.#addSlots(audio, video)) await this.negotiate();
  }

  /**
   * The transceiver that sends `source`; made, and negotiated, when it is first asked for.
   * @param {Source} source
   * @returns {Promise<RTCRtpTransceiver>}
   */
  async sender(source) {
    let transceiver = this.#senders.get(source);
    if (!transceiver) {
      const kind = source === 'screenAudio' ? 'audio' : 'video';
      transceiver = this.pc.addTransceiver(kind, {
        direction: 'sendonly',
        ...(source === 'screen' && { sendEncodings: SCREEN_ENCODINGS }),
      });
      this.#senders.set(source, transceiver);
    }
    if (transceiver.mid === null) await this.negotiate();
    return transceiver;
  }

  /** @param {string} mid @returns {MediaStreamTrack | null} */
  slotTrack(mid) {
    const slot = [...this.#slots.audio, ...this.#slots.video].find((t) => t.mid === mid);
    return slot ? slot.receiver.track : null;
  }

  /**
   * Which simulcast layers to encode; the server says what nobody watches.
   * @param {Source} source @param {{rid: string, active: boolean}[]} layers
   */
  async setLayers(source, layers) {
    const sender = this.#senders.get(source)?.sender;
    if (!sender) return;
    const parameters = sender.getParameters();
    for (const encoding of parameters.encodings) {
      const wanted = layers.find((l) => l.rid === encoding.rid);
      if (wanted) encoding.active = wanted.active;
    }
    await sender.setParameters(parameters);
  }

  /**
   * @param {Uint8Array} payload @param {{to?: string, reliable?: boolean}} [options]
   */
  send(payload, { to = '', reliable = true } = {}) {
    const channel = reliable ? this.reliable : this.lossy;
    if (channel.readyState !== 'open') {
      if (reliable) throw new ConsiliumError('connection_lost', 'the data channel is not open');
      return;
    }
    const target = new TextEncoder().encode(to);
    const frame = new Uint8Array(1 + target.length + payload.length);
    frame[0] = target.length;
    frame.set(target, 1);
    frame.set(payload, 1 + target.length);
    channel.send(frame);
  }

  /** @param {ArrayBuffer} buffer @param {boolean} reliable */
  #onData(buffer, reliable) {
    const frame = new Uint8Array(buffer);
    if (frame.length < 1 || frame.length < 1 + frame[0]) return;
    const from = new TextDecoder().decode(frame.subarray(1, 1 + frame[0]));
    this.emit('data', from, frame.subarray(1 + frame[0]), reliable);
  }

  #onState() {
    const state = this.pc.connectionState;
    if (this.#closed || state === 'new' || state === 'closed') return;
    this.emit('state', state);
    // Consent was lost but the server may be there: new candidates on the same connection repair it, tracks kept.
    if (state === 'failed') this.negotiate({ iceRestart: true }).catch(() => {});
  }

  close() {
    this.#closed = true;
    this.pc.close();
  }
}
