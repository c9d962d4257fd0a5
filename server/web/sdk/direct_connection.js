// server/web/sdk/direct_connection.js: the PeerConnection between two members (PROTOCOL.md section 13): one attempt of it.
//
// Four m-lines, one for each source, in a fixed order and in both directions, are there from the first offer on: a screen
// that is shared later, a camera that is switched off and on or exchanged need no negotiation, only replaceTrack.

import { Emitter } from './emitter.js';

/** @typedef {import('./tracks.js').Source} Source */
/** @typedef {{attempt: number, peer: string, polite: boolean, iceTransportPolicy: RTCIceTransportPolicy, iceServers: RTCIceServer[]}} Invitation */
/** @typedef {{description?: RTCSessionDescriptionInit, candidate?: RTCIceCandidateInit}} Message */
/** @typedef {{state: [state: RTCPeerConnectionState]}} DirectEvents */

/** @type {Source[]} the order of the m-lines; both sides must have the same */
const LAYOUT = ['microphone', 'camera', 'screen', 'screenAudio'];
/** One picture in full size: what the best layer towards the server has, and a little more. @type {Partial<Record<Source, RTCRtpEncodingParameters>>} */
const LIMITS = { camera: { maxBitrate: 2_500_000 }, screen: { maxBitrate: 2_500_000, maxFramerate: 15 } };

/** @extends {Emitter<DirectEvents>} */
export class DirectConnection extends Emitter {
  /** What is of one stream the other browser plays in sync: voice with face, a screen's sound with the screen. */
  #streams = { person: new MediaStream(), screen: new MediaStream() };
  /** @type {Map<Source, RTCRtpTransceiver>} */ #transceivers = new Map();
  /** @type {Promise<void>} one message after the other */ #messages = Promise.resolve();
  #makingOffer = false;
  #ignoringOffer = false;
  #closed = false;
  #polite;
  #send;
  #media;

  /**
   * @param {Invitation} invitation
   * @param {(message: Message) => Promise<unknown>} send to the other one
   * @param {(source: Source) => MediaStreamTrack | null} media what we send as `source` at the moment
   */
  constructor({ polite, iceTransportPolicy, iceServers }, send, media) {
    super();
    this.#polite = polite;
    this.#send = send;
    this.#media = media;
    const pc = new RTCPeerConnection({ iceServers, iceTransportPolicy, bundlePolicy: 'max-bundle' });
    this.pc = pc;
    pc.onconnectionstatechange = () => this.#closed || this.emit('state', pc.connectionState);
    pc.onicecandidate = ({ candidate }) => candidate && this.#tell({ candidate: strip(candidate.toJSON()) });
    if (!polite) {
      for (const source of LAYOUT) {
        const limit = LIMITS[source];
        const init = { direction: /** @type {const} */ ('sendrecv'), streams: [this.#streamOf(source)], ...(limit && { sendEncodings: [limit] }) };
        this.#transceivers.set(source, pc.addTransceiver(kindOf(source), init));
      }
      this.#offer().catch((error) => this.#trouble(error));
    }
  }

  /** What arrives as `source`; there is a track from the first negotiation on, whether or not anything is sent. @param {Source} source */
  receiver(source) {
    return this.#transceivers.get(source)?.receiver ?? null;
  }

  /** @param {Source} source */
  #streamOf(source) {
    return source === 'screen' || source === 'screenAudio' ? this.#streams.screen : this.#streams.person;
  }

  /** Our devices changed: the senders follow. */
  async syncMedia() {
    if (this.#closed) return;
    for (const [source, { sender }] of this.#transceivers) {
      const media = this.#media(source);
      if (sender.track !== media) await sender.replaceTrack(media).catch((error) => this.#trouble(error));
    }
  }

  // ---- perfect negotiation -----------------------------------------------------------------------------------------

  async #offer() {
    this.#makingOffer = true;
    try {
      await this.syncMedia();
      await this.pc.setLocalDescription();
      this.#tellDescription();
    } finally {
      this.#makingOffer = false;
    }
  }

  /** @param {Message} message of the other one */
  receive(message) {
    this.#messages = this.#messages.then(() => this.#take(message)).catch((error) => this.#trouble(error));
  }

  /** @param {Message} message */
  async #take({ description, candidate }) {
    if (this.#closed) return;
    if (description) await this.#takeDescription(description);
    else if (candidate && !this.#ignoringOffer) await this.pc.addIceCandidate(candidate).catch((error) => console.debug('direct candidate:', error)); // others may do
  }

  /** @param {RTCSessionDescriptionInit} description */
  async #takeDescription(description) {
    const collision = description.type === 'offer' && (this.#makingOffer || this.pc.signalingState !== 'stable');
    this.#ignoringOffer = collision && !this.#polite;
    if (this.#ignoringOffer) return;
    await this.pc.setRemoteDescription(description); // ours, if there is one, is rolled back
    if (description.type !== 'offer') return;
    await this.#adopt();
    await this.pc.setLocalDescription();
    this.#tellDescription();
  }

  /** The transceivers that the other one's offer made are used for our sources too. */
  async #adopt() {
    for (const [i, transceiver] of this.pc.getTransceivers().entries()) {
      const source = LAYOUT[i];
      if (!source || this.#transceivers.get(source) === transceiver) continue;
      transceiver.direction = 'sendrecv';
      transceiver.sender.setStreams?.(this.#streamOf(source));
      this.#transceivers.set(source, transceiver);
      await this.#limit(transceiver.sender, LIMITS[source]);
    }
    await this.syncMedia();
  }

  /** @param {RTCRtpSender} sender @param {RTCRtpEncodingParameters | undefined} limit */
  async #limit(sender, limit) {
    const parameters = sender.getParameters();
    if (!limit || !parameters.encodings?.[0]) return;
    Object.assign(parameters.encodings[0], limit);
    await sender.setParameters(parameters).catch((error) => console.debug('direct limit:', error));
  }

  #tellDescription() {
    const description = this.pc.localDescription;
    if (description) this.#tell({ description: { type: description.type, sdp: description.sdp } });
  }

  /** @param {Message} message */
  #tell(message) {
    if (!this.#closed) this.#send(message).catch((error) => console.debug('direct signal:', error)); // the server's clock ends what got lost
  }

  /** @param {unknown} error */
  #trouble(error) {
    if (this.#closed) return;
    console.debug('direct connection:', error);
    this.emit('state', 'failed');
  }

  // ---- statistics, end ---------------------------------------------------------------------------------------------

  /** The kind of our candidate in the pair that is used. @returns {Promise<'host' | 'srflx' | 'relay' | undefined>} */
  async pair() {
    const report = await this.pc.getStats();
    const entries = [...report.values()];
    const id = entries.find((e) => e.type === 'transport')?.selectedCandidatePairId;
    const pair = id ? report.get(id) : entries.find((e) => e.type === 'candidate-pair' && (e.selected || (e.nominated && e.state === 'succeeded')));
    const kind = pair && report.get(pair.localCandidateId)?.candidateType;
    return kind === 'prflx' ? 'srflx' : kind;
  }

  /** How loud our microphone is, and the other one's, 0 to 1. */
  async levels() {
    const microphone = this.#transceivers.get('microphone');
    let own = 0;
    for (const entry of (await microphone?.sender.getStats())?.values() ?? []) if (entry.type === 'media-source') own = entry.audioLevel ?? 0;
    return { own, other: microphone?.receiver.getSynchronizationSources()[0]?.audioLevel ?? 0 };
  }

  close() {
    this.#closed = true;
    this.pc.close();
  }
}

/** @param {Source} source */
function kindOf(source) {
  return source === 'camera' || source === 'screen' ? 'video' : 'audio';
}

/** @param {RTCIceCandidateInit} candidate @returns {RTCIceCandidateInit} without members that say nothing */
function strip(candidate) {
  return Object.fromEntries(Object.entries(candidate).filter(([, value]) => value !== null && value !== undefined));
}
