// server/web/sdk/room.js: a room as the page sees it: who is in, what they share, and the connection that carries it.
//
// State comes as one snapshot (at join and after a lost socket: `sync`) and as events between; both run through the same
// functions, so a resumed room never differs from one that was there all along.

import { Emitter } from './emitter.js';
import { LocalParticipant, RemoteParticipant } from './participant.js';
import { SfuConnection } from './sfu_connection.js';
import { ViewObserver } from './view_observer.js';

/** @typedef {import('./signal.js').Signal} Signal */
/** @typedef {import('./signal.js').Welcome} Welcome */
/** @typedef {import('./tracks.js').Track} Track */
/** @typedef {import('./tracks.js').TrackPublication} TrackPublication */
/** @typedef {import('./participant.js').ParticipantInfo} ParticipantInfo */
/** @typedef {{mid: string, participant: string | null, track: string | null, source: string | null}} Assignment */
/** @typedef {{message: string, from: string, name: string, text: string, at: number, to?: string}} ChatMessage */
/** @typedef {{id: string, locked: boolean, topology: 'p2p' | 'sfu', self: string, participants: ParticipantInfo[],
 *   chat: ChatMessage[], slots: Assignment[]}} Snapshot */

/** @typedef {{
 *   participantConnected: [participant: RemoteParticipant],
 *   participantDisconnected: [participant: RemoteParticipant, reason: string],
 *   participantUpdated: [participant: RemoteParticipant | LocalParticipant],
 *   trackPublished: [publication: TrackPublication, participant: RemoteParticipant],
 *   trackUnpublished: [publication: TrackPublication, participant: RemoteParticipant],
 *   trackSubscribed: [track: Track, publication: TrackPublication, participant: RemoteParticipant],
 *   trackUnsubscribed: [track: Track, publication: TrackPublication, participant: RemoteParticipant],
 *   trackMuted: [publication: TrackPublication, participant: RemoteParticipant | LocalParticipant],
 *   trackUnmuted: [publication: TrackPublication, participant: RemoteParticipant | LocalParticipant],
 *   activeSpeakersChanged: [speakers: (RemoteParticipant | LocalParticipant)[]],
 *   chatMessage: [message: ChatMessage],
 *   dataReceived: [payload: Uint8Array, from: RemoteParticipant | undefined, reliable: boolean],
 *   lockChanged: [locked: boolean],
 *   topologyChanged: [topology: 'p2p' | 'sfu'],
 *   mediaStateChanged: [state: string],
 *   disconnected: [reason: string],
 * }} RoomEvents */

/** @extends {Emitter<RoomEvents>} */
export class Room extends Emitter {
  /** @type {Map<string, RemoteParticipant>} by public id */
  remoteParticipants = new Map();
  /** @type {ChatMessage[]} */
  chat = [];
  locked = false;
  /** @type {'p2p' | 'sfu'} */
  topology = 'sfu';
  /** @type {Map<string, Assignment>} by slot mid */ #slots = new Map();
  /** @type {SfuConnection} */ #sfu;
  #signal;
  #iceServers;
  #options;
  #view;
  #left = false;

  /**
   * @internal Use Client.join().
   * @param {Signal} signal @param {Welcome} welcome @param {{topology?: 'auto' | 'never', hidden?: boolean}} options
   */
  constructor(signal, welcome, options) {
    super();
    this.#signal = signal;
    this.#iceServers = welcome.iceServers;
    this.#options = options;
    this.id = welcome.room;
    this.#sfu = this.#connect();
    this.localParticipant = new LocalParticipant('', welcome.identity, welcome.role, (type, fields) => signal.request(type, fields), () => this.#sfu);
    this.localParticipant.name = welcome.name;
    this.#view = new ViewObserver((requests) => signal.request('view', { requests }));
  }

  /** @internal Joins and brings the media connection up; the join and the offer travel together. */
  async _enter() {
    const joined = this.#signal.request('join', this.#options);
    const negotiated = this.#sfu.negotiate();
    negotiated.catch(() => {}); // a refused join is the better explanation
    const { participant, room } = await joined;
    this.localParticipant.id = participant;
    this._sync(room);
    await negotiated;
  }

  #connect() {
    const sfu = new SfuConnection(this.#signal, this.#iceServers);
    sfu.on('state', (state) => sfu === this.#sfu && this.emit('mediaStateChanged', state));
    sfu.on('data', (from, payload, reliable) => this.emit('dataReceived', payload, this.remoteParticipants.get(from), reliable));
    return sfu;
  }

  /** @internal The media connection is gone beyond repair (its worker died): join again on the same session. */
  async _rejoin() {
    const before = this.#sfu;
    this.#sfu = this.#connect();
    before.close();
    this.#slots.clear();
    for (const p of this.remoteParticipants.values()) for (const { track } of p.publications.values()) track._setMedia(null);
    this.#view.reset();
    await this._enter();
    await this.localParticipant._republish();
  }

  /** @internal @param {Snapshot} snapshot */
  _sync(snapshot) {
    this.#setLocked(snapshot.locked);
    this.#setTopology(snapshot.topology);
    const there = new Set(snapshot.participants.map((p) => p.participant));
    for (const id of [...this.remoteParticipants.keys()]) if (!there.has(id)) this.#remove(id, 'left');
    for (const info of snapshot.participants) this.#add(info);
    const known = new Set(this.chat.map((m) => m.message));
    for (const message of snapshot.chat) if (!known.has(message.message)) this.#addChat(message);
    this.#assign([...[...this.#slots.keys()].map((mid) => ({ mid, participant: null, track: null, source: null })), ...snapshot.slots]);
    this.#view.reset();
  }

  /** @internal @param {string} name @param {any} m */
  _event(name, m) {
    /** @type {Record<string, () => void>} */
    const handlers = {
      participantJoined: () => this.#add(m.participant),
      participantUpdated: () => this.#add(m.participant),
      participantLeft: () => this.#remove(m.participant, m.reason),
      trackPublished: () => this.#publish(m.participant, m.track),
      trackUnpublished: () => this.#unpublish(m.participant, m.track),
      trackMuted: () => this.#mute(m.participant, m.track, m.muted),
      slots: () => this.#assign(m.slots),
      slotsNeeded: () => void this.#sfu.growSlots(m.audio, m.video).catch((e) => console.warn('more slots:', e)),
      layersWanted: () => void this.localParticipant._setLayers(m.track, m.layers).catch((e) => console.warn('layers:', e)),
      speakers: () => this.#speak(m.speakers),
      chat: () => this.#addChat(m),
      roomLocked: () => this.#setLocked(m.locked),
      topology: () => this.#setTopology(m.topology),
      negotiate: () => void this.#sfu.negotiate({ iceRestart: m.reason === 'transport' }).catch((e) => console.warn('negotiate:', e)),
      mediaLost: () => void this._rejoin().catch((e) => console.warn('rejoin:', e)),
      sync: () => this._sync(m.room),
      kicked: () => this._end('kicked'),
      closed: () => this._end(m.reason ?? 'closed'),
    };
    handlers[name]?.();
  }

  /** @param {string} id @returns {RemoteParticipant | LocalParticipant | undefined} */
  #participant(id) {
    return id === this.localParticipant.id ? this.localParticipant : this.remoteParticipants.get(id);
  }

  /** @param {ParticipantInfo} info */
  #add(info) {
    if (info.participant === this.localParticipant.id) {
      this.localParticipant._update(info);
      this.emit('participantUpdated', this.localParticipant);
      return;
    }
    let participant = this.remoteParticipants.get(info.participant);
    const fresh = !participant;
    if (!participant) {
      participant = new RemoteParticipant(info.participant, info.identity, info.role);
      this.remoteParticipants.set(info.participant, participant);
    }
    participant._update(info);
    this.emit(fresh ? 'participantConnected' : 'participantUpdated', participant);
    for (const id of [...participant.publications.keys()]) {
      if (!info.tracks.some((t) => t.track === id)) this.#unpublish(info.participant, id);
    }
    for (const track of info.tracks) this.#publish(info.participant, track);
  }

  /** @param {string} id @param {string} reason */
  #remove(id, reason) {
    const participant = this.remoteParticipants.get(id);
    if (!participant) return;
    for (const track of [...participant.publications.keys()]) this.#unpublish(id, track);
    this.remoteParticipants.delete(id);
    this.emit('participantDisconnected', participant, reason);
  }

  /** @param {string} id @param {import('./tracks.js').TrackInfo} info */
  #publish(id, info) {
    const participant = this.remoteParticipants.get(id);
    if (!participant) return;
    const known = participant.publications.get(info.track);
    if (known) {
      if (known.muted !== info.muted) this.#mute(id, info.track, info.muted);
      return;
    }
    const publication = participant._publish(info);
    if (info.kind === 'video') this.#view.add(info.track, publication.track);
    this.emit('trackPublished', publication, participant);
    for (const slot of this.#slots.values()) if (slot.track === info.track) this.#show(slot);
  }

  /** @param {string} id @param {string} trackId */
  #unpublish(id, trackId) {
    const participant = this.remoteParticipants.get(id);
    const publication = participant?.publications.get(trackId);
    if (!participant || !publication) return;
    this.#view.remove(trackId);
    this.#hide(publication, participant);
    participant.publications.delete(trackId);
    this.emit('trackUnpublished', publication, participant);
  }

  /** @param {string} id @param {string} trackId @param {boolean} muted */
  #mute(id, trackId, muted) {
    const participant = this.#participant(id);
    if (participant === this.localParticipant) this.localParticipant._mutedByServer(trackId, muted);
    const publication = participant?.publications.get(trackId);
    if (!participant || !publication) return;
    publication.muted = muted;
    this.emit(muted ? 'trackMuted' : 'trackUnmuted', publication, participant);
  }

  /** @param {Assignment[]} changes */
  #assign(changes) {
    for (const change of changes) {
      const before = this.#slots.get(change.mid);
      if (before?.track && before.track !== change.track) this.#withTrack(before, (p, who) => this.#hide(p, who));
      this.#slots.set(change.mid, change);
    }
    for (const slot of this.#slots.values()) this.#show(slot);
  }

  /** @param {Assignment} slot @param {(publication: TrackPublication, participant: RemoteParticipant) => void} then */
  #withTrack(slot, then) {
    const participant = slot.participant ? this.remoteParticipants.get(slot.participant) : undefined;
    const publication = slot.track ? participant?.publications.get(slot.track) : undefined;
    if (participant && publication) then(publication, participant);
  }

  /** @param {Assignment} slot */
  #show(slot) {
    this.#withTrack(slot, (publication, participant) => {
      const media = this.#sfu.slotTrack(slot.mid);
      if (!media || publication.track.mediaStreamTrack === media) return;
      publication.track._setMedia(media);
      this.emit('trackSubscribed', publication.track, publication, participant);
    });
  }

  /** @param {TrackPublication} publication @param {RemoteParticipant} participant */
  #hide(publication, participant) {
    if (!publication.track.mediaStreamTrack) return;
    publication.track._setMedia(null);
    this.emit('trackUnsubscribed', publication.track, publication, participant);
  }

  /** @param {{participant: string, level: number}[]} speakers */
  #speak(speakers) {
    const speaking = speakers.map((s) => this.#participant(s.participant)).filter((p) => p !== undefined);
    for (const p of [this.localParticipant, ...this.remoteParticipants.values()]) p.speaking = speaking.includes(p);
    this.emit('activeSpeakersChanged', speaking);
  }

  /** @param {ChatMessage} message */
  #addChat(message) {
    this.chat.push(message);
    this.emit('chatMessage', message);
  }

  /** @param {boolean} locked */
  #setLocked(locked) {
    if (locked === this.locked) return;
    this.locked = locked;
    this.emit('lockChanged', locked);
  }

  /** @param {'p2p' | 'sfu'} topology */
  #setTopology(topology) {
    if (topology === this.topology) return;
    this.topology = topology;
    this.emit('topologyChanged', topology);
  }

  // ---- what the page may ask for -----------------------------------------------------------------------------------

  /** @param {string} text @param {RemoteParticipant} [to] */
  sendChat(text, to) {
    return this.#signal.request('chat', { text, ...(to && { to: to.id }) });
  }

  /** @param {Uint8Array} payload @param {{to?: RemoteParticipant, reliable?: boolean}} [options] */
  sendData(payload, { to, reliable } = {}) {
    this.#sfu.send(payload, { to: to?.id, reliable });
  }

  /** @param {boolean} raised */
  raiseHand(raised) {
    return this.#signal.request('raiseHand', { raised });
  }

  /** @param {boolean} locked */
  setLocked(locked) {
    return this.#signal.request('lock', { locked });
  }

  /** @param {RemoteParticipant} participant @param {string} [reason] */
  kick(participant, reason) {
    return this.#signal.request('kick', { participant: participant.id, ...(reason && { reason }) });
  }

  /** Mutes somebody else's microphone; only they can open it again. @param {RemoteParticipant} participant */
  async muteParticipant(participant) {
    const publication = participant.publication('microphone');
    if (publication) await this.#signal.request('mute', { track: publication.id, muted: true });
  }

  /** @param {TrackPublication} publication @param {'high' | 'normal' | 'low'} priority */
  setPriority(publication, priority) {
    this.#view.setPriority(publication.id, priority);
  }

  /** Plays every attached element; call it from a click when the browser refused to start sound by itself. */
  async startAudio() {
    const tracks = [...this.remoteParticipants.values()].flatMap((p) => [...p.publications.values()].map((x) => x.track));
    await Promise.all(tracks.flatMap((t) => [...t.elements].map((e) => e.play())));
  }

  /** The browser's own statistics of the connection to the server. */
  getStats() {
    return this.#sfu.pc.getStats();
  }

  /** Ends the consultation for everybody. */
  closeForAll() {
    return this.#signal.request('close');
  }

  async leave() {
    if (this.#left) return;
    await this.#signal.request('leave').catch(() => {});
    this._end('left');
  }

  /** @internal @param {string} reason */
  _end(reason) {
    if (this.#left) return;
    this.#left = true;
    for (const id of [...this.remoteParticipants.keys()]) this.#remove(id, reason);
    this.localParticipant._release();
    this.#view.close();
    this.#sfu.close();
    this.emit('disconnected', reason);
  }

  /** @internal The server has no memory of our session: everything anew, tracks kept. @param {Welcome} welcome */
  async _resumed(welcome) {
    if (welcome.resumed) return; // `sync` follows
    await this._rejoin();
  }

  get left() {
    return this.#left;
  }
}

