// server/web/sdk/sfu_connection.js: the PeerConnection to the server: senders, slots, data channels. Only we offer.
//
// Order of m-lines: microphone, camera, slots, data; further senders (screen) and slots are appended when they are first
// needed. A slot is a receive-only transceiver that the server fills with whichever track it assigns; filling, emptying
// and refilling it needs no negotiation.

import { Emitter } from './emitter.js';
import { codeOf, ConsiliumError } from './errors.js';

/** @typedef {import('./tracks.js').Source} Source */
/** @typedef {import('./signal.js').Signal} Signal */
/** @typedef {{rid: string, active: boolean, maxBitrate?: number}} LayerWish */
/** @typedef {{
 *   state: [state: 'connecting' | 'connected' | 'disconnected' | 'failed'],
 *   negotiated: [],
 *   beyondRepair: [],
 *   closed: [],
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
/** Codecs whose browsers put all sizes into one stream, and how (W3C webrtc-svc), by the largest size that anybody needs. */
const SCALABLE = ['video/vp9', 'video/av1'];
const SCALABILITY = [
  { scaleResolutionDownBy: 4, scalabilityMode: 'L1T3' },
  { scaleResolutionDownBy: 2, scalabilityMode: 'L2T3_KEY' },
  { scaleResolutionDownBy: 1, scalabilityMode: 'L3T3_KEY' },
];
const SCREEN_ENCODINGS = [{ maxBitrate: 2_500_000, maxFramerate: 15 }];

/** Not connected so long after the answer: browsers may take far longer to say so, or never do. */
const CONNECT_MS = 20_000;
/** `disconnected` often heals by itself; after so long new candidates are tried. */
const DISCONNECTED_MS = 3000;
/** Once connected, so many restarts in vain mean that only a new connection helps. */
const RESTARTS = 2;
const MESSAGE_BYTES = 65536;
/** What is lossy is worth nothing late. */
const LOSSY_QUEUE_BYTES = 262_144;

/** @extends {Emitter<SfuEvents>} */
export class SfuConnection extends Emitter {
  /** @type {Map<Source, RTCRtpTransceiver>} */ #senders = new Map();
  /** @type {{audio: RTCRtpTransceiver[], video: RTCRtpTransceiver[]}} */ #slots = { audio: [], video: [] };
  /** @type {Promise<unknown>} the negotiation under way */ #negotiation = Promise.resolve();
  /** @type {Promise<void> | null} the one behind it, which takes in everything asked for until it starts */ #next = null;
  /** @type {Promise<RTCSessionDescriptionInit> | null} */ #firstOffer;
  /** @type {Map<Source, Promise<void>>} */ #layerChanges = new Map();
  /** @type {Map<Source, LayerWish[]>} what the server wants of it */ #layers = new Map();
  /** @type {WeakMap<RTCRtpSender, Map<string, number | undefined>>} our own limits, by rid */ #ownRates = new WeakMap();
  #sending = true;
  /** The camera's sizes lie within one stream (SVC). */ #scalable = false;
  /** A codec that this browser cannot do that with. */ #refusesScalability = '';
  /** @type {Promise<void>} */ #configured;
  #restart = false;
  #restarts = 0;
  #wasConnected = false;
  #repairTimer = 0;
  #closed = false;
  #signal;

  /**
   * @param {Signal} signal
   * @param {RTCIceServer[] | null} iceServers null: configure() will tell
   */
  constructor(signal, iceServers) {
    super();
    this.#signal = signal;
    const pc = new RTCPeerConnection({ iceServers: iceServers ?? [], bundlePolicy: 'max-bundle' });
    this.pc = pc;
    /** @type {(servers: RTCIceServer[]) => void} tells the servers once they are known */
    this.configure = () => {};
    this.#configured = iceServers ? Promise.resolve() : new Promise((resolve) => (this.configure = (servers) => resolve(this.#setServers(servers))));
    pc.onconnectionstatechange = () => this.#onState();
    this.#senders.set('microphone', pc.addTransceiver('audio', { direction: 'sendonly' }));
    this.#senders.set('camera', pc.addTransceiver('video', { direction: 'sendonly', sendEncodings: CAMERA_LAYERS }));
    this.reliable = pc.createDataChannel('reliable');
    this.lossy = pc.createDataChannel('lossy', { ordered: false, maxRetransmits: 0 });
    for (const channel of [this.reliable, this.lossy]) {
      channel.binaryType = 'arraybuffer'; // Firefox would give blobs
      channel.onmessage = (e) => this.#onData(e.data, channel === this.reliable);
    }
    this.#addSlots(FIRST_AUDIO_SLOTS, FIRST_VIDEO_SLOTS);
    this.#firstOffer = pc.createOffer(); // while the socket opens
    this.#firstOffer.catch(() => {}); // negotiate() meets it
  }

  /** @param {RTCIceServer[]} servers */
  #setServers(servers) {
    if (this.#closed || servers.length === 0) return;
    try {
      this.pc.setConfiguration({ ...this.pc.getConfiguration(), iceServers: servers });
    } catch (error) {
      console.warn('ICE servers:', error); // the server itself is reached without them
    }
  }

  // ---- negotiation -------------------------------------------------------------------------------------------------

  /**
   * Offers, one negotiation at a time; those that wait become one.
   * @param {{iceRestart?: boolean}} [options]
   * @returns {Promise<void>}
   */
  negotiate({ iceRestart = false } = {}) {
    this.#restart ||= iceRestart;
    if (!this.#next) {
      this.#next = this.#negotiation.then(() => {
        const options = { iceRestart: this.#restart };
        this.#next = null;
        this.#restart = false;
        return this.#exchange(options);
      });
      this.#negotiation = this.#next.catch(() => {});
    }
    return this.#next;
  }

  /** @param {RTCOfferOptions} options */
  async #exchange(options) {
    this.#assertOpen();
    const first = this.#firstOffer;
    this.#firstOffer = null;
    const offer = await (first ?? this.pc.createOffer(options));
    // The very first offer leaves before the ICE servers are known, so that hello, join and offer are one round trip.
    const applied = this.#configured.then(() => this.pc.setLocalDescription(offer));
    applied.catch(() => {});
    if (!first) await applied;
    try {
      const sdp = await this.#ask(String(offer.sdp), first === null);
      await applied;
      this.#assertOpen();
      await this.pc.setRemoteDescription({ type: 'answer', sdp });
      await this.#chooseScalability();
    } catch (error) {
      if (!this.#closed && this.pc.signalingState === 'have-local-offer') await this.pc.setLocalDescription({ type: 'rollback' });
      throw error;
    }
    if (first && this.pc.connectionState !== 'connected') this.#repairTimer = window.setTimeout(() => this.#connectedLate(), CONNECT_MS);
    this.emit('negotiated');
  }

  /**
   * When the socket breaks, nobody knows whether the server took the offer; it may be asked the same again.
   * @param {string} sdp @param {boolean} again
   * @returns {Promise<string>}
   */
  async #ask(sdp, again) {
    for (;;) {
      this.#assertOpen();
      try {
        return (await this.#signal.request('offer', { sdp })).sdp;
      } catch (error) {
        if (!again || codeOf(error) !== 'connection_lost') throw error;
        await this.#signal.ready();
      }
    }
  }

  #assertOpen() {
    if (this.#closed) throw new ConsiliumError('connection_lost', 'the connection was replaced or closed');
  }

  // ---- senders and slots -------------------------------------------------------------------------------------------

  /** @param {number} audio @param {number} video how many there shall be in total @returns {boolean} whether some are new */
  #addSlots(audio, video) {
    const before = this.#slots.audio.length + this.#slots.video.length;
    while (this.#slots.audio.length < audio) this.#slots.audio.push(this.pc.addTransceiver('audio', { direction: 'recvonly' }));
    while (this.#slots.video.length < video) this.#slots.video.push(this.pc.addTransceiver('video', { direction: 'recvonly' }));
    return this.#slots.audio.length + this.#slots.video.length > before;
  }

  /**
   * The server has more to send than there are slots.
   * @param {number} audio @param {number} video
   */
  async growSlots(audio, video) {
    if (!this.#closed && this.#addSlots(audio, video)) await this.negotiate();
  }

  /**
   * The transceivers that send these sources; made, and negotiated together, when they are first asked for.
   * @param {Source[]} sources
   * @returns {Promise<RTCRtpTransceiver[]>}
   */
  async senders(sources) {
    this.#assertOpen();
    const transceivers = sources.map((source) => {
      let transceiver = this.#senders.get(source);
      if (!transceiver) {
        const video = source === 'camera' || source === 'screen';
        transceiver = this.pc.addTransceiver(video ? 'video' : 'audio', {
          direction: 'sendonly',
          ...(source === 'screen' && { sendEncodings: SCREEN_ENCODINGS }),
        });
        this.#senders.set(source, transceiver);
        if (!this.#sending) this.#applyLayers(source);
      }
      return transceiver;
    });
    if (transceivers.some((t) => t.currentDirection === null)) await this.negotiate();
    this.#assertOpen();
    return transceivers;
  }

  /** Sends nothing as `source` from now on; its m-line stays for the next time. @param {Source} source */
  async stopSending(source) {
    if (!this.#closed) await this.#senders.get(source)?.sender.replaceTrack(null);
  }

  /** @param {string} mid @returns {RTCRtpReceiver | null} */
  slotReceiver(mid) {
    return [...this.#slots.audio, ...this.#slots.video].find((t) => t.mid === mid)?.receiver ?? null;
  }

  /**
   * Which simulcast layers to encode, and how large; the server says what nobody watches, and what nobody's link carries. Not
   * more than advice: a browser that refuses goes on as it is.
   * @param {Source} source @param {LayerWish[]} layers `rid` is "" without simulcast
   */
  setLayers(source, layers) {
    this.#layers.set(source, layers);
    return this.#applyLayers(source);
  }

  /**
   * While media goes directly nothing is sent here, and everything stays ready: encoders, senders and the connection.
   * @param {boolean} on
   */
  setSending(on) {
    if (on === this.#sending) return;
    this.#sending = on;
    for (const source of this.#senders.keys()) this.#applyLayers(source);
  }

  /** What an encoding was limited to before the server said anything. @param {RTCRtpSender} sender @param {RTCRtpEncodingParameters} encoding */
  #ownRate(sender, encoding) {
    let rates = this.#ownRates.get(sender);
    if (!rates) this.#ownRates.set(sender, (rates = new Map()));
    const rid = encoding.rid ?? '';
    if (!rates.has(rid)) rates.set(rid, encoding.maxBitrate);
    return rates.get(rid);
  }

  /** The room's codec is known with the answer, and may be another one after the next. */
  async #chooseScalability() {
    const sender = this.#senders.get('camera')?.sender;
    if (!sender) return;
    const codec = sender.getParameters().codecs?.[0]?.mimeType.toLowerCase() ?? '';
    const scalable = SCALABLE.includes(codec) && this.#refusesScalability !== codec;
    if (scalable === this.#scalable) return;
    this.#scalable = scalable;
    await this.#applyLayers('camera');
    const [first] = sender.getParameters().encodings ?? [];
    if (!scalable || !first || 'scalabilityMode' in first) return;
    this.#refusesScalability = codec; // this browser does not know it: simulcast, then
    this.#scalable = false;
    await this.#applyLayers('camera');
  }

  /**
   * One stream that holds all sizes, in place of three: what is wished of those becomes one limit.
   * @param {RTCRtpSender} sender @param {LayerWish[] | undefined} wishes @param {RTCRtpEncodingParameters[]} encodings
   * @returns {boolean} whether anything is new
   */
  #scale(sender, wishes, encodings) {
    let top = -1;
    let rate = 0;
    CAMERA_LAYERS.forEach(({ rid, maxBitrate }, i) => {
      const wish = wishes?.find((l) => l.rid === rid);
      if (!(wish?.active ?? true)) return;
      top = i;
      rate += Math.min(maxBitrate, wish?.maxBitrate || Infinity);
    });
    const mode = SCALABILITY[Math.max(top, 0)];
    let changed = false;
    encodings.forEach((encoding, i) => {
      this.#ownRate(sender, encoding);
      const active = this.#sending && i === 0 && top >= 0;
      const wanted = i === 0 && top >= 0 ? { active, ...mode, maxBitrate: rate } : { active };
      for (const [name, value] of Object.entries(wanted)) changed ||= /** @type {any} */ (encoding)[name] !== value;
      Object.assign(encoding, wanted);
    });
    return changed;
  }

  /** @param {Source} source */
  #applyLayers(source) {
    const sender = this.#senders.get(source)?.sender;
    if (!sender || this.#closed) return Promise.resolve();
    const change = async () => {
      const parameters = sender.getParameters();
      let changed = false;
      if (this.#scalable && source === 'camera') {
        if (this.#scale(sender, this.#layers.get(source), parameters.encodings ?? [])) await sender.setParameters(parameters);
        return;
      }
      for (const encoding of parameters.encodings ?? []) {
        const wish = this.#layers.get(source)?.find((l) => l.rid === (encoding.rid ?? ''));
        const active = this.#sending && (wish?.active ?? true);
        const rate = Math.min(this.#ownRate(sender, encoding) ?? Infinity, wish?.maxBitrate || Infinity);
        const maxBitrate = Number.isFinite(rate) ? rate : undefined;
        changed ||= active !== encoding.active || maxBitrate !== encoding.maxBitrate;
        encoding.active = active;
        const own = source === 'camera' ? CAMERA_LAYERS.find((l) => l.rid === encoding.rid) : undefined;
        if (own && 'scalabilityMode' in encoding) {
          delete (/** @type {any} */ (encoding).scalabilityMode);
          encoding.scaleResolutionDownBy = own.scaleResolutionDownBy;
          changed = true;
        }
        if (maxBitrate) encoding.maxBitrate = maxBitrate;
        else delete encoding.maxBitrate;
      }
      if (changed) await sender.setParameters(parameters);
    };
    // The parameters must be those of the last getParameters, so one change at a time; a negotiation between outdates them.
    const next = (this.#layerChanges.get(source) ?? Promise.resolve())
      .then(change)
      .catch(() => change())
      .catch((error) => console.debug('layers:', error));
    this.#layerChanges.set(source, next);
    return next;
  }

  // ---- data --------------------------------------------------------------------------------------------------------

  /**
   * @param {Uint8Array} payload @param {{to?: string, reliable?: boolean}} [options]
   * @returns {Promise<boolean>} false when it was dropped, as what is lossy may be
   */
  async send(payload, { to = '', reliable = true } = {}) {
    const channel = reliable ? this.reliable : this.lossy;
    const target = new TextEncoder().encode(to);
    const frame = new Uint8Array(1 + target.length + payload.length);
    if (frame.length > MESSAGE_BYTES) throw new ConsiliumError('too_large', `a message has at most ${MESSAGE_BYTES - 1 - target.length} bytes`);
    if (channel.readyState === 'connecting' && reliable) await this.#opening(channel);
    if (!reliable && (channel.readyState !== 'open' || channel.bufferedAmount > LOSSY_QUEUE_BYTES)) return false;
    if (channel.readyState !== 'open') throw new ConsiliumError('connection_lost', 'the data channel is closed');
    frame[0] = target.length;
    frame.set(target, 1);
    frame.set(payload, 1 + target.length);
    channel.send(frame);
    return true;
  }

  /** @param {RTCDataChannel} channel */
  #opening(channel) {
    return new Promise((resolve) => {
      channel.addEventListener('open', resolve, { once: true });
      this.once('closed', () => resolve(undefined)); // closing the connection fires nothing at the channel
    });
  }

  /** @param {unknown} data @param {boolean} reliable */
  #onData(data, reliable) {
    if (!(data instanceof ArrayBuffer)) return; // text has no sender in it
    const frame = new Uint8Array(data);
    if (frame.length < 1 + (frame[0] ?? 0)) return;
    const from = new TextDecoder().decode(frame.subarray(1, 1 + frame[0]));
    this.emit('data', from, frame.subarray(1 + frame[0]), reliable);
  }

  // ---- staying connected -------------------------------------------------------------------------------------------

  #onState() {
    const state = this.pc.connectionState;
    if (this.#closed || state === 'new' || state === 'closed') return;
    if (state !== 'connecting') clearTimeout(this.#repairTimer);
    if (state === 'connected') {
      this.#wasConnected = true;
      this.#restarts = 0;
    } else if (state === 'disconnected') {
      this.#repairTimer = window.setTimeout(() => this.#restartIce(), DISCONNECTED_MS);
    } else if (state === 'failed') {
      this.#repair();
    }
    this.emit('state', state);
  }

  #connectedLate() {
    if (this.#closed || this.pc.connectionState === 'connected') return;
    this.emit('state', 'failed');
    this.#restartIce();
  }

  #repair() {
    // With ICE standing it was DTLS that failed, and that a restart does not mend.
    const dtls = ['connected', 'completed'].includes(this.pc.iceConnectionState);
    if (dtls || (this.#wasConnected && this.#restarts >= RESTARTS)) this.emit('beyondRepair');
    else this.#restartIce();
  }

  /** Consent was lost but the server may be there: new candidates on the same connection repair it, tracks kept. */
  #restartIce() {
    this.#restarts++;
    this.negotiate({ iceRestart: true }).catch((error) => console.debug('ICE restart:', error));
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#repairTimer);
    this.pc.close();
    this.emit('closed');
  }
}
