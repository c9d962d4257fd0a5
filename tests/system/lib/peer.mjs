// tests/system/lib/peer.mjs: a participant with media: libwebrtc (@roamhq/wrtc) on the client protocol, as an SDK would do it.
//
// It comes back by itself: a lost WebSocket is resumed, `mediaLost` is answered by a new PeerConnection and join, offer and
// publish on the same session.

import { randomBytes } from 'node:crypto';
import { Client } from './client.mjs';
import { wrtc } from './packages.mjs';
import { Camera, Ear, Microphone, Screen } from './sources.mjs';
import { pause, until } from './until.mjs';

const SIMULCAST = [
  { rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 120_000 },
  { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 350_000 },
  { rid: 'f', scaleResolutionDownBy: 1, maxBitrate: 900_000 },
];
/** PROTOCOL.md, section 2. */
const RETRY_MS = [0, 300, 1200, 2700, 4800, 7000];

export class Peer {
  /** What flows in each slot, by mid, as the last `slots` event or snapshot said. */
  slots = new Map();
  /** @type {Map<string, Screen | Ear>} by mid */
  sinks = new Map();
  /** Messages of the data channels: {label, from, payload}. */
  data = [];
  /** How often media had to be begun anew. */
  rejoins = 0;
  resumes = 0;
  #gone = false;

  /**
   * @param {import('../../browser/lib/server.mjs').Server} server
   * @param {{room: string, name: string, role?: string}} who
   * @param {{camera?: object | null, microphone?: object | null, simulcast?: boolean, slots?: {audio: number, video: number}, topology?: 'auto' | 'never'}} [media]
   */
  static async join(server, who, media = {}) {
    const peer = new Peer(server, { role: 'doctor', identity: `id-${randomBytes(4).toString('hex')}`, ...who }, media);
    await peer.#helloAnew();
    await peer.#enter();
    await peer.connected();
    return peer;
  }

  constructor(server, who, { camera = {}, microphone = {}, simulcast = false, slots = { audio: 4, video: 4 }, topology = 'never' }) {
    this.server = server;
    this.who = who;
    this.simulcast = simulcast;
    this.topology = topology; // never: most tests are about the server's media
    this.slotCounts = slots;
    this.camera = camera && new Camera(camera);
    this.size = camera && { width: camera.width, height: camera.height };
    this.microphone = microphone && new Microphone(microphone);
  }

  get id() {
    return this.client.id;
  }

  /** The ids of the tracks that this one publishes, by source. */
  tracks = {};

  async #helloAnew() {
    this.#use(await Client.open(this.server.url));
    await this.client.hello(await this.server.token(this.who));
  }

  #use(client) {
    this.client = client;
    client.onEvent = (m) => this.#event(m);
    client.closed.then(({ code }) => client === this.client && this.#lost(code));
  }

  #event(m) {
    if (m.event === 'slots') this.#assign(m.slots);
    if (m.event === 'sync') this.#assign(m.room.slots);
    if (m.event === 'layersWanted' && m.track === this.tracks.camera) this.#setLayers(m.layers);
    if (m.event === 'mediaLost') this.#again();
  }

  #again() {
    this.rejoins++;
    this.#closeMedia();
    this.recovery = this.#enter().catch((error) => {
      if (!this.#gone) this.failure = error;
    });
  }

  // ---- the WebSocket is lost and found -------------------------------------------------------------------------------

  async #lost(code) {
    if (this.#gone || code === 4001 || code === 4002 || code === 4003) return;
    const { session, resumeKey: key } = this.client.welcome;
    const { id } = this.client;
    for (let attempt = 0; !this.#gone; attempt++) {
      await pause(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)] * (0.8 + 0.4 * Math.random()));
      while (this.held) await pause(20);
      try {
        const client = await Client.open(this.server.url);
        client.id = id;
        this.#use(client);
        client.welcome = await client.request('hello', { version: 1, resume: { session, key } });
        this.resumes++;
        return;
      } catch (error) {
        if (error.code !== 'session_not_found') continue;
        await this.#helloAnew();
        this.#again();
        return;
      }
    }
  }

  /** Cuts the WebSocket; it stays away until release(). */
  async cut() {
    this.held = true;
    await this.client.cut();
  }

  release() {
    this.held = false;
  }

  // ---- media -------------------------------------------------------------------------------------------------------

  async #enter() {
    const pc = new wrtc.RTCPeerConnection({ iceServers: [], bundlePolicy: 'max-bundle' });
    this.pc = pc;
    const sending = [];
    if (this.microphone) sending.push({ source: 'microphone', transceiver: pc.addTransceiver(this.microphone.track, { direction: 'sendonly' }) });
    if (this.camera) {
      const init = { direction: 'sendonly', ...(this.simulcast && { sendEncodings: SIMULCAST }) };
      sending.push({ source: 'camera', transceiver: pc.addTransceiver(this.camera.track, init) });
    }
    for (let i = 0; i < this.slotCounts.audio; i++) pc.addTransceiver('audio', { direction: 'recvonly' });
    for (let i = 0; i < this.slotCounts.video; i++) pc.addTransceiver('video', { direction: 'recvonly' });
    this.reliable = this.#channel(pc, 'reliable', {});
    this.lossy = this.#channel(pc, 'lossy', { ordered: false, maxRetransmits: 0 });
    // All in one go, as PROTOCOL.md allows.
    const { client } = this;
    const joined = client.join({ topology: this.topology });
    joined.catch(() => {}); // when the negotiation fails first, its error is the one that counts
    const published = await this.#negotiate(client, () => {
      const wanted = sending.map(({ source, transceiver }) => ({ mid: transceiver.mid, source, ...(source === 'camera' && this.size) }));
      const reply = wanted.length ? client.request('publish', { tracks: wanted }) : Promise.resolve({ tracks: [] });
      return reply.then(({ tracks }) => tracks.map(({ track, mid }) => [wanted.find((w) => w.mid === mid).source, track]));
    });
    await joined;
    this.tracks = Object.fromEntries(published);
    this.#assign([]);
  }

  /** Offers again with more slots: so many in total. */
  async grow({ audio, video }) {
    const have = (kind) => this.pc.getTransceivers().filter((t) => t.direction === 'recvonly' && t.receiver.track.kind === kind).length;
    while (have('audio') < audio) this.pc.addTransceiver('audio', { direction: 'recvonly' });
    while (have('video') < video) this.pc.addTransceiver('video', { direction: 'recvonly' });
    await this.#negotiate(this.client);
  }

  /** Offers; `pipelined` is called as soon as the offer is on its way. */
  async #negotiate(client, pipelined = () => {}) {
    await this.pc.setLocalDescription(await this.pc.createOffer());
    const { pc } = this;
    const answered = client.request('offer', { sdp: pc.localDescription.sdp });
    const rest = pipelined();
    this.answer = (await answered).sdp;
    await pc.setRemoteDescription({ type: 'answer', sdp: this.answer });
    return rest;
  }

  #channel(pc, label, init) {
    const channel = pc.createDataChannel(label, init);
    channel.binaryType = 'arraybuffer';
    channel.onmessage = ({ data }) => {
      const frame = Buffer.from(data);
      this.data.push({ label, from: String(frame.subarray(1, 1 + frame[0])), payload: frame.subarray(1 + frame[0]) });
    };
    return channel;
  }

  /** Stops encoding what nobody watches. */
  #setLayers(layers) {
    const sender = this.pc.getTransceivers().find((t) => t.sender.track === this.camera.track)?.sender;
    const parameters = sender?.getParameters();
    if (!parameters?.encodings.length) return;
    for (const encoding of parameters.encodings) encoding.active = layers.find((l) => l.rid === (encoding.rid ?? ''))?.active ?? encoding.active;
    sender.setParameters(parameters).catch((error) => (this.failure = error));
  }

  /** PROTOCOL.md, section 11. */
  send(channel, payload, to = '') {
    channel.send(Buffer.concat([Buffer.from([to.length]), Buffer.from(to), Buffer.from(payload)]));
  }

  #assign(changes) {
    for (const change of changes) this.slots.set(change.mid, change);
    for (const [mid, slot] of this.slots) {
      const transceiver = this.pc.getTransceivers().find((t) => t.mid === mid);
      if (!slot.track || !transceiver || this.sinks.has(mid)) continue;
      const { track } = transceiver.receiver;
      this.sinks.set(mid, track.kind === 'video' ? new Screen(track) : new Ear(track));
    }
  }

  connected() {
    return until(() => this.pc.connectionState === 'connected', () => `${this.who.name} connected, but ${this.pc.connectionState}`);
  }

  /** The sink that `source` of `other` flows into, or undefined. */
  sink(other, source) {
    for (const [mid, slot] of this.slots) if (slot.participant === other.id && slot.source === source) return this.sinks.get(mid);
    return undefined;
  }

  mid(other, source) {
    for (const [mid, slot] of this.slots) if (slot.participant === other.id && slot.source === source) return mid;
    return undefined;
  }

  /** inbound-rtp of each slot with packets, by mid. */
  async inbound() {
    const reports = [...(await this.pc.getStats()).values()];
    const mids = new Map(this.pc.getTransceivers().map((t) => [t.receiver.track.id, t.mid]));
    const result = {};
    for (const r of reports.filter((one) => one.type === 'inbound-rtp')) result[r.mid ?? mids.get(r.trackIdentifier) ?? r.ssrc] = r;
    return result;
  }

  /** Packets received and lost in all slots together. */
  async received() {
    const all = Object.values(await this.inbound());
    const sum = (key) => all.reduce((total, r) => total + (r[key] ?? 0), 0);
    return { packets: sum('packetsReceived'), lost: sum('packetsLost'), nacks: sum('nackCount') };
  }

  /** Waits until this one sees and hears `other`. */
  async perceives(other, { timeout = 15_000 } = {}) {
    const before = this.sink(other, 'camera')?.frames ?? 0;
    await until(
      () => (!other.camera || this.sink(other, 'camera')?.frames > before + 2) && (!other.microphone || this.sink(other, 'microphone')),
      () => `${this.who.name} perceives ${other.who.name}; slots ${JSON.stringify([...this.slots.values()])}, ${this.failure ?? ''}`, { timeout },
    );
  }

  #closeMedia() {
    for (const sink of this.sinks.values()) sink.stop();
    this.sinks.clear();
    this.slots.clear();
    this.pc?.close();
  }

  async leave() {
    this.#gone = true;
    this.held = false;
    await this.client.request('leave').catch(() => {}); // a WebSocket that closes is only lost
    this.#closeMedia();
    this.camera?.stop();
    this.microphone?.stop();
    await this.client.close();
  }
}
