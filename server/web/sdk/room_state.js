// server/web/sdk/room_state.js: who is in a room, what they share and in which slot it comes: what the server's snapshots
// and events make of it, and the page's events about it. Knows no connection: room.js adds that.

import { Emitter } from './emitter.js';
import { RemoteParticipant } from './participant.js';
import { WaitingList } from './waiting.js';

/** @typedef {import('./errors.js').ConsiliumError} ConsiliumError */
/** @typedef {import('./tracks.js').Source} Source */
/** @typedef {import('./tracks.js').Track} Track */
/** @typedef {import('./tracks.js').TrackInfo} TrackInfo */
/** @typedef {import('./tracks.js').TrackPublication} TrackPublication */
/** @typedef {import('./participant.js').ParticipantInfo} ParticipantInfo */
/** @typedef {import('./local_participant.js').LocalParticipant} LocalParticipant */
/** @typedef {import('./view_observer.js').ViewObserver} ViewObserver */
/** @typedef {{mid: string, participant: string | null, track: string | null, source: string | null}} Assignment */
/** @typedef {{message: string, from: string, name: string, text: string, at: number, to?: string}} ChatMessage */
/** `patientsWait`: until a doctor lets them in. @typedef {{topology: 'auto' | 'never', iceTransportPolicy: 'all' | 'relay', patientsWait: boolean}} RoomPolicy */
/** @typedef {{id: string, locked: boolean, topology: 'p2p' | 'sfu', self: string, participants: ParticipantInfo[],
 *   chat: ChatMessage[], slots: Assignment[], policy: RoomPolicy, waiting?: any[],
 *   audioOnly?: {on: boolean, reason: string | null}}} Snapshot */

/** `gapMs`: the longest time without a new picture around the change, null when none is shown; `reason` as PROTOCOL.md section 13
 * has it, and `left`. @typedef {{topology: 'p2p' | 'sfu', reason: string, gapMs: number | null}} TopologyChange */

/**
 * `reason` of `participantDisconnected`: left, kicked, lost, replaced, sentBack, closed; of `disconnected` also locked, failed
 * and moved (to another room, by a call).
 * `waitingChanged`: doctors and admins, who waits to be let in; with what changed, unless much did.
 * `mediaStateChanged`: connecting, connected, disconnected, failed (as RTCPeerConnection has it).
 * `audioPlaybackChanged`: false when the browser wants a gesture before it plays sound; see startAudio().
 * @typedef {{
 *   participantConnected: [participant: RemoteParticipant],
 *   participantDisconnected: [participant: RemoteParticipant, reason: string],
 *   participantUpdated: [participant: RemoteParticipant | LocalParticipant],
 *   trackPublished: [publication: TrackPublication, participant: RemoteParticipant],
 *   trackUnpublished: [publication: TrackPublication, participant: RemoteParticipant],
 *   trackSubscribed: [track: Track, publication: TrackPublication, participant: RemoteParticipant],
 *   trackUnsubscribed: [track: Track, publication: TrackPublication, participant: RemoteParticipant],
 *   trackMuted: [publication: TrackPublication, participant: RemoteParticipant | LocalParticipant],
 *   trackUnmuted: [publication: TrackPublication, participant: RemoteParticipant | LocalParticipant],
 *   muteRequested: [publication: TrackPublication, by: RemoteParticipant | undefined],
 *   activeSpeakersChanged: [speakers: (RemoteParticipant | LocalParticipant)[]],
 *   audioPlaybackChanged: [canPlay: boolean],
 *   connectionQualityChanged: [quality: import('./quality.js').ConnectionQuality, participant: LocalParticipant],
 *   participantQualityChanged: [participant: RemoteParticipant | LocalParticipant],
 *   audioOnlyChanged: [reason: string | null],
 *   chatMessage: [message: ChatMessage],
 *   dataReceived: [payload: Uint8Array, from: RemoteParticipant | undefined, reliable: boolean],
 *   lockChanged: [locked: boolean],
 *   policyChanged: [policy: RoomPolicy],
 *   waitingChanged: [waiting: import('./waiting.js').WaitingParticipant[], change: import('./waiting.js').WaitingChange],
 *   topologyChanged: [change: TopologyChange],
 *   mediaStateChanged: [state: 'connecting' | 'connected' | 'disconnected' | 'failed'],
 *   mediaDevicesError: [error: ConsiliumError, source: Source],
 *   draining: [],
 *   disconnected: [reason: string, detail: string],
 * }} RoomEvents
 */

/** @extends {Emitter<RoomEvents>} */
export class RoomState extends Emitter {
  id = '';
  /** @type {Map<string, RemoteParticipant>} by public id */
  remoteParticipants = new Map();
  /** @type {ChatMessage[]} */
  chat = [];
  locked = false;
  /** @type {'p2p' | 'sfu'} */
  topology = 'sfu';
  /** False when the browser wants a gesture before it plays sound. */
  canPlaybackAudio = true;
  /** @type {RoomPolicy} */
  policy = { topology: 'auto', iceTransportPolicy: 'all', patientsWait: false };
  /** Why no picture reaches us although we want some: `bandwidth`, `stalled`; null: they do. @type {string | null} */
  audioOnly = null;
  /** @type {Map<string, Assignment & {since: number}>} by slot mid */ #slots = new Map();
  #waiting = new WaitingList((all, change) => this.emit('waitingChanged', all, change));

  /** @param {LocalParticipant} localParticipant @param {ViewObserver} view */
  constructor(localParticipant, view) {
    super();
    this.localParticipant = localParticipant;
    /** @internal */
    this._view = view;
  }

  /** Who waits to be let in, oldest first; only doctors and admins are told. */
  get waiting() {
    return this.#waiting.all;
  }

  /** @internal Until the page has the room in its hands, it is told of no track: it could not be listening yet. */
  _held = true;

  /** @internal */
  _begin() {
    this._held = false;
    this._showMedia();
    this._view.begin();
  }

  /** @protected The media of a slot. @param {string} _mid @returns {MediaStreamTrack | null} */
  _slotTrack(_mid) {
    return null;
  }

  /** @protected What plays directly, whatever the slots hold. @param {string} _participant @param {Source} _source @returns {MediaStreamTrack | null} */
  _directTrack(_participant, _source) {
    return null;
  }

  /** @internal @param {Snapshot} snapshot */
  _sync(snapshot) {
    this._setLocked(snapshot.locked);
    this._setPolicy(snapshot.policy);
    this.#waiting.replace(snapshot.waiting ?? []);
    const there = new Set(snapshot.participants.map((p) => p.participant));
    for (const id of [...this.remoteParticipants.keys()]) if (!there.has(id)) this.#remove(id, 'left');
    for (const info of snapshot.participants) this.#add(info);
    this.#setAudioOnly(snapshot.audioOnly?.reason ?? null);
    for (const message of snapshot.chat) this._addChat(message);
    const filled = new Set(snapshot.slots.map((s) => s.mid));
    const emptied = [...this.#slots.keys()].filter((mid) => !filled.has(mid));
    this.#assign([...emptied.map((mid) => ({ mid, participant: null, track: null, source: null })), ...snapshot.slots]);
    this._view.reset();
  }

  /** @internal An event that changes the room. @param {string} name @param {any} m */
  _change(name, m) {
    /** @type {Record<string, () => void>} */
    const handlers = {
      participantJoined: () => this.#add(m.participant),
      participantUpdated: () => this.#add(m.participant),
      participantLeft: () => this.#remove(m.participant, m.reason),
      trackPublished: () => this.#publish(m.participant, m.track),
      trackUnpublished: () => this.#unpublish(m.participant, m.track),
      trackMuted: () => this._setMuted(m.participant, m.track, m.muted),
      muteRequested: () => this.#muteRequested(m.track, m.by),
      slots: () => this.#assign(m.slots),
      speakers: () => this.#speak(m.speakers),
      quality: () => this.#judge(m.participant, m.quality),
      audioOnly: () => this.#setAudioOnly(m.reason),
      chat: () => this._addChat(m),
      roomLocked: () => this._setLocked(m.locked),
      policyChanged: () => this._setPolicy(m.policy),
      waitingAdded: () => this.#waiting.add(m),
      waitingRemoved: () => this.#waiting.remove(m.waiting, m.reason),
    };
    handlers[name]?.();
  }

  // ---- people ------------------------------------------------------------------------------------------------------

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

  /** @internal Everybody goes, because we do. @param {string} reason */
  _clear(reason) {
    for (const id of [...this.remoteParticipants.keys()]) this.#remove(id, reason);
  }

  /** @param {{participant: string, level: number}[]} speakers */
  #speak(speakers) {
    const speaking = speakers.map((s) => this.#participant(s.participant)).filter((p) => p !== undefined);
    for (const p of [this.localParticipant, ...this.remoteParticipants.values()]) p.speaking = speaking.includes(p);
    this.emit('activeSpeakersChanged', speaking);
  }

  /** @param {string} id @param {import('./participant.js').LinkQuality} quality */
  #judge(id, quality) {
    const participant = this.#participant(id);
    if (!participant) return;
    participant.quality = quality;
    this.emit('participantQualityChanged', participant);
  }

  /** @param {string | null} reason */
  #setAudioOnly(reason) {
    if (reason === this.audioOnly) return;
    this.audioOnly = reason;
    this.emit('audioOnlyChanged', reason);
  }

  // ---- what they share ---------------------------------------------------------------------------------------------

  /** @param {string} id @param {TrackInfo} info */
  #publish(id, info) {
    const participant = this.remoteParticipants.get(id);
    if (!participant) return;
    if (participant.publications.has(info.track)) {
      this._setMuted(id, info.track, info.muted);
      return;
    }
    const publication = participant._publish(info);
    if (info.kind === 'video') this._view.add(info.track, publication.track);
    publication.track.on('playbackChanged', () => this.#checkPlayback());
    this.emit('trackPublished', publication, participant);
    this._showMedia();
  }

  /** @param {string} id @param {string} trackId */
  #unpublish(id, trackId) {
    if (id === this.localParticipant.id) this.localParticipant._unpublishedByServer(trackId);
    const participant = this.remoteParticipants.get(id);
    const publication = participant?.publications.get(trackId);
    if (!participant || !publication) return;
    this._view.remove(trackId);
    this.#hide(publication, participant);
    participant.publications.delete(trackId);
    this.emit('trackUnpublished', publication, participant);
    this.#checkPlayback();
  }

  /** @internal @param {string} id @param {string} trackId @param {boolean} muted */
  _setMuted(id, trackId, muted) {
    const participant = this.#participant(id);
    const publication = participant?.publications.get(trackId);
    if (!participant || !publication || publication.muted === muted) return;
    if (participant === this.localParticipant) this.localParticipant._mutedByServer(trackId, muted);
    publication.muted = muted;
    this._showMedia();
    this.emit(muted ? 'trackMuted' : 'trackUnmuted', publication, participant);
  }

  /** @param {string} trackId @param {string | undefined} by */
  #muteRequested(trackId, by) {
    const publication = this.localParticipant.publications.get(trackId);
    if (publication) this.emit('muteRequested', publication, by ? this.remoteParticipants.get(by) : undefined);
  }

  // ---- slots -------------------------------------------------------------------------------------------------------

  /** @param {Assignment[]} changes */
  #assign(changes) {
    for (const change of changes) {
      const before = this.#slots.get(change.mid);
      if (before && before.track === change.track) continue;
      this.#slots.set(change.mid, { ...change, since: performance.now() });
      if (before?.track) this.#withTrack(before, (p, who) => this._directTrack(who.id, p.source) ?? this.#hide(p, who));
    }
    this._showMedia();
  }

  /** @internal The slots were those of a connection that is gone. */
  _forgetSlots() {
    this.#slots.clear();
    this._showMedia();
  }

  /**
   * @internal Plays what comes directly, else what the slots hold, as far as publication and connection are known: the
   * three come in any order.
   */
  _showMedia() {
    if (this._held) return;
    for (const participant of this.remoteParticipants.values()) {
      for (const publication of participant.publications.values()) this.#show(publication, participant);
    }
  }

  /** @param {TrackPublication} publication @param {RemoteParticipant} participant */
  #show(publication, participant) {
    const { track } = publication;
    const slot = this.#slotOf(publication.id);
    const direct = this._directTrack(participant.id, publication.source);
    const media = direct ?? (slot ? this._slotTrack(slot.mid) : null);
    // The server, which silences what is muted, is not between us and what comes directly.
    if (media?.kind === 'audio') media.enabled = !direct || !publication.muted;
    const before = track.mediaStreamTrack;
    if (media === before) return;
    if (!media) return this.#hide(publication, participant);
    if (before) { // the same by another way
      track._setMedia(media);
      if (before.kind === 'audio') before.enabled = false; // Chromium goes on playing what was taken out of an element's stream
      return;
    }
    track._setMedia(media, direct || !slot ? performance.now() : slot.since);
    this.emit('trackSubscribed', track, publication, participant);
  }

  /** @internal The slot that the server sends a track in. @param {string} trackId */
  _slotMid(trackId) {
    return this.#slotOf(trackId)?.mid ?? null;
  }

  /** @param {string} trackId */
  #slotOf(trackId) {
    return [...this.#slots.values()].find((s) => s.track === trackId);
  }

  /** @param {Assignment} slot @param {(publication: TrackPublication, participant: RemoteParticipant) => void} then */
  #withTrack(slot, then) {
    const participant = slot.participant ? this.remoteParticipants.get(slot.participant) : undefined;
    const publication = slot.track ? participant?.publications.get(slot.track) : undefined;
    if (participant && publication) then(publication, participant);
  }

  /** @param {TrackPublication} publication @param {RemoteParticipant} participant */
  #hide(publication, participant) {
    if (!publication.track.mediaStreamTrack) return;
    publication.track._setMedia(null);
    this.emit('trackUnsubscribed', publication.track, publication, participant);
  }

  // ---- sound, chat, lock -------------------------------------------------------------------------------------------

  #remoteTracks() {
    return [...this.remoteParticipants.values()].flatMap((p) => [...p.publications.values()].map((x) => x.track));
  }

  #checkPlayback() {
    const can = !this.#remoteTracks().some((t) => t.kind === 'audio' && t.playbackBlocked);
    if (can === this.canPlaybackAudio) return;
    this.canPlaybackAudio = can;
    this.emit('audioPlaybackChanged', can);
  }

  /** Plays every attached element; call it in a click when `audioPlaybackChanged` said false. */
  async startAudio() {
    await Promise.all(this.#remoteTracks().map((t) => t._play()));
  }

  /** @internal @param {ChatMessage} message */
  _addChat({ message, from, name, text, at, to }) {
    if (this.chat.some((m) => m.message === message)) return; // known from before a lost socket
    const entry = { message, from, name, text, at, ...(to && { to }) };
    this.chat.push(entry);
    this.emit('chatMessage', entry);
  }

  /** @internal @param {boolean} locked */
  _setLocked(locked) {
    if (locked === this.locked) return;
    this.locked = locked;
    this.emit('lockChanged', locked);
  }

  /** @internal @param {RoomPolicy} policy */
  _setPolicy(policy) {
    if (JSON.stringify(policy) === JSON.stringify(this.policy)) return;
    this.policy = policy;
    this.emit('policyChanged', policy);
  }
}
