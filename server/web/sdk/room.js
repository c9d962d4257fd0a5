// server/web/sdk/room.js: a room as the page sees it: who is in, what they share, and the connection that carries it.
//
// State comes as one snapshot (at join and after a lost socket: `sync`) and as events between; both run through the same
// functions (room_state.js), so a resumed room never differs from one that was there all along.

import { codeOf, ConsiliumError } from './errors.js';
import { LocalParticipant } from './local_participant.js';
import { QualityMeter } from './quality.js';
import { RoomState } from './room_state.js';
import { SfuConnection } from './sfu_connection.js';
import { Topology } from './topology.js';
import { ViewObserver } from './view_observer.js';

/** @typedef {import('./signal.js').Signal} Signal */
/** @typedef {import('./signal.js').Welcome} Welcome */
/** @typedef {import('./participant.js').RemoteParticipant} RemoteParticipant */
/** @typedef {import('./tracks.js').TrackPublication} TrackPublication */
/** @typedef {import('./room_state.js').Snapshot} Snapshot */
/** @typedef {import('./waiting.js').WaitingPlace} WaitingPlace */
/**
 * `topology: 'never'`: the others must not learn our address. `name`: shown in place of the token's, to those who let people in,
 * too. `hidden`: admins only.
 * @typedef {{topology?: 'auto' | 'never', hidden?: boolean, name?: string}} JoinOptions
 */
/** `url` is absolute; `link` is its name, for revokeGuestLink(). @typedef {{link: string, url: string, expiresAt: number}} GuestLink */

/** Worth another try: another worker takes the room, or the server is less busy. */
const PASSING = new Set(['worker_lost', 'busy', 'draining', 'rate_limited', 'timeout', 'internal']);
/** What a refused return means. @type {Record<string, string>} */
const END_OF_REJOIN = { room_locked: 'locked', sent_back: 'sentBack' };
const FIRST_JOIN_ATTEMPTS = 3;
const PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 7000;

export class Room extends RoomState {
  /** How good our own connection is. @type {import('./quality.js').ConnectionQuality} */
  connectionQuality = 'good';
  /** @type {'connecting' | 'connected' | 'disconnected' | 'failed'} */
  mediaState = 'connecting';
  /** @type {SfuConnection} */ #sfu;
  /** @type {Promise<void> | null} */ #rejoining = null;
  /** @type {RTCIceServer[] | null} */ #iceServers = null;
  #again = false;
  #joined = false;
  #left = false;
  #endReason = '';
  #signal;
  #everJoined = false;
  #options;
  /** What we call ourselves, unlike the token. @type {string | undefined} */ #name;
  #quality;
  #topology;
  #place;

  /** @internal Use Client.join(). @param {Signal} signal @param {JoinOptions} options @param {WaitingPlace} place */
  constructor(signal, { name, ...options }, place) {
    super(
      new LocalParticipant((type, fields) => signal.request(type, fields), () => this.#sfu),
      new ViewObserver((requests) => signal.request('view', { requests })),
    );
    this.#signal = signal;
    this.#options = options;
    this.#name = name;
    this.#place = place;
    this.#sfu = this.#connect();
    this.#topology = this.#followTopology();
    this.#quality = new QualityMeter(() => this.getStats(), (quality) => {
      this.connectionQuality = quality;
      this.emit('connectionQualityChanged', quality, this.localParticipant);
    });
    this.localParticipant.on('mediaDevicesError', (error, source) => this.emit('mediaDevicesError', error, source));
  }

  get left() {
    return this.#left;
  }

  /** @protected @param {string} mid */
  _slotTrack(mid) {
    return this.#sfu.slotReceiver(mid)?.track ?? null;
  }

  /** @protected @param {string} participant @param {import('./tracks.js').Source} source */
  _directTrack(participant, source) {
    return this.#topology.mediaOf(participant, source);
  }

  #followTopology() {
    const topology = new Topology({
      request: (type, fields) => this.#signal.request(type, fields),
      setSending: (on) => this.#sfu.setSending(on),
      localMedia: (source) => this.localParticipant._media(source),
      publications: (id) => [...(this.remoteParticipants.get(id)?.publications.values() ?? [])],
      slotReceiver: (track) => this.#sfu.slotReceiver(this._slotMid(track) ?? ''),
      show: () => this._showMedia(),
      self: () => this.localParticipant.id,
      speak: (speakers) => this._change('speakers', { speakers }),
      told: (now) => (this.topology = now),
      changed: (now, reason, gapMs) => this.emit('topologyChanged', { topology: now, reason, gapMs }),
    });
    this.localParticipant.on('publicationChanged', () => topology.localMediaChanged());
    return topology;
  }

  // ---- joining, and joining again ----------------------------------------------------------------------------------

  /** @internal Who we are, once the server has said so. @param {Welcome} welcome */
  _welcome(welcome) {
    this.id = welcome.room;
    this.#iceServers = welcome.iceServers;
    this.localParticipant.identity = welcome.identity;
    this.localParticipant.role = welcome.role;
    this.localParticipant.name = welcome.name;
    this.#sfu.configure(welcome.iceServers);
  }

  /** @internal Joins and brings the media connection up. */
  _enter() {
    return this.#enter(FIRST_JOIN_ATTEMPTS);
  }

  /** @param {number} attempts after which a passing trouble is told */
  async #enter(attempts) {
    for (let attempt = 1; ; attempt++) {
      try {
        if (await this.#enterOnce()) return;
        attempt = 0; // we have waited, and are admitted
        this.#replaceConnection();
      } catch (error) {
        const code = codeOf(error);
        if (this.#left) throw this.#over();
        if (code === 'already_joined') await this.#signal.request('leave').catch(() => {}); // the reply to an earlier join was lost
        else if (code === 'connection_lost') await this.#signal.ready();
        else if (PASSING.has(code) && attempt < attempts) {
          if (this.#joined) await this.#signal.request('leave').catch(() => {}); // only the offer was refused
          await pause(Math.min(PAUSE_MS * 2 ** attempt, LONGEST_PAUSE_MS));
        } else throw error;
        if (this.#left) throw this.#over();
        this.#replaceConnection();
      }
    }
  }

  /** What a join says that ended before it was done: left, kicked, closed, replaced, moved, failed. */
  #over() {
    return new ConsiliumError(this.#endReason);
  }

  /** Name, join and offer travel together: who decides about letting us in reads the name at once. @returns {Promise<boolean>} false: we had to wait, and may ask again now */
  async #enterOnce() {
    this.#joined = false;
    if (this.#name) this.#signal.request('setName', { name: this.#name }).catch(() => {}); // in the room we are told how we are called
    const joining = this.#signal.request('join', this.#options);
    const negotiating = this.#sfu.negotiate();
    negotiating.catch(() => {}); // a refused join is the better explanation
    const { participant, room, waiting, since, doctor } = await joining;
    if (this.#left) throw this.#over();
    if (waiting) {
      if (this.#everJoined) throw new ConsiliumError('sent_back'); // to join again we would have to wait: the page decides
      this.#sfu.close();
      await this.#place.wait({ since, doctor });
      return false;
    }
    this.localParticipant.id = participant;
    this.#joined = true;
    this._sync(room);
    this.#topology.sync(room, true);
    await negotiating;
    this.#everJoined = true;
    return true;
  }

  #connect() {
    const sfu = new SfuConnection(this.#signal, this.#iceServers);
    sfu.on('state', (state) => this.#setMediaState(state));
    sfu.on('data', (from, payload, reliable) => this.emit('dataReceived', payload, this.remoteParticipants.get(from), reliable));
    sfu.on('negotiated', () => this._showMedia());
    sfu.on('beyondRepair', () => this.#rejoin());
    return sfu;
  }

  /** @param {'connecting' | 'connected' | 'disconnected' | 'failed'} state */
  #setMediaState(state) {
    if (state === this.mediaState) return;
    this.mediaState = state;
    this.emit('mediaStateChanged', state);
  }

  #replaceConnection() {
    const before = this.#sfu;
    this.#sfu = this.#connect();
    before.close();
    this._forgetSlots();
  }

  /** The media connection is gone beyond repair (its worker died) or the server forgot us: join again, tracks kept. */
  #rejoin() {
    this.#again = true;
    this.#rejoining ??= this.#rejoinUntilDone().finally(() => (this.#rejoining = null));
    return this.#rejoining;
  }

  async #rejoinUntilDone() {
    while (this.#again && !this.#left) {
      this.#again = false;
      this.#setMediaState('connecting');
      this.#replaceConnection();
      try {
        await this.#enter(Infinity);
        if (!this.#again) await this.localParticipant._republish();
      } catch (error) {
        if (this.#left) return;
        this._end(END_OF_REJOIN[codeOf(error)] ?? 'failed', error instanceof Error ? error.message : '');
      }
    }
  }

  /** @internal The socket is gone, for now. */
  _signalLost() {
    this.#topology.signalLost();
  }

  /** @internal The socket is back. @param {Welcome} welcome */
  async _reconnected(welcome) {
    if (this.#left) return;
    this._welcome(welcome);
    if (!welcome.resumed && this.#joined) await this.#rejoin(); // else `sync` follows, or the join under way is tried again
  }

  // ---- events ------------------------------------------------------------------------------------------------------

  /** @internal @param {string} name @param {any} m */
  _event(name, m) {
    if (this.#left) return;
    /** @type {Record<string, () => void>} */
    const always = {
      kicked: () => this._end('kicked', m.reason),
      closed: () => this._end('closed', m.reason),
      sentBack: () => this._end('sentBack', m.reason),
      mediaLost: () => (this.#joined ? this.#rejoin() : this.#place.again()),
      draining: () => this.emit('draining'),
    };
    /** @type {Record<string, () => void>} */
    const inside = {
      slotsNeeded: () => this.#advice('more slots', this.#sfu.growSlots(m.audio, m.video)),
      layersWanted: () => this.#advice('layers', this.localParticipant._setLayers(m.track, m.layers)),
      negotiate: () => this.#advice('negotiate', this.#sfu.negotiate({ iceRestart: m.reason === 'transport' })),
      sync: () => {
        this._sync(m.room);
        this.#topology.sync(m.room, false);
        this.localParticipant._reconcile(m.room.participants.find((/** @type {any} */ p) => p.participant === m.room.self)?.tracks ?? []);
      },
    };
    // Before the join's reply there is nothing that an event could change: the reply brings the whole.
    const handler = always[name] ?? (this.#joined ? inside[name] : undefined);
    if (handler) handler();
    else if (this.#joined && !this.#topology.event(name, m)) this._change(name, m);
  }

  /** @param {string} what @param {Promise<unknown>} done */
  #advice(what, done) {
    done.catch((error) => this.#left || codeOf(error) === 'connection_lost' || console.warn(`${what}:`, error));
  }

  // ---- what the page may ask for -----------------------------------------------------------------------------------

  /** @param {string} text @param {RemoteParticipant} [to] only for this one */
  async sendChat(text, to) {
    const { message, at } = await this.#signal.request('chat', { text, ...(to && { to: to.id }) });
    const { id, name } = this.localParticipant;
    this._addChat({ message, from: id, name, text, at, ...(to && { to: to.id }) }); // one's own is not sent back
  }

  /**
   * `reliable` (the default) waits until the channel is open; without it a message may get lost, but is never late.
   * @param {Uint8Array} payload at most 64 KiB with its head @param {{to?: RemoteParticipant, reliable?: boolean}} [options]
   */
  async sendData(payload, { to, reliable = true } = {}) {
    await this.#sfu.send(payload, { to: to?.id, reliable });
  }

  /** @param {boolean} raised */
  async raiseHand(raised) {
    await this.#signal.request('raiseHand', { raised });
    this.localParticipant.handRaised = raised;
    this.emit('participantUpdated', this.localParticipant);
  }

  /** @param {string} name */
  async setName(name) {
    await this.#signal.request('setName', { name });
    this.#name = name;
    this.localParticipant.name = name;
    this.emit('participantUpdated', this.localParticipant);
  }

  /** Doctors and admins: lets nobody in but them. @param {boolean} locked */
  async setLocked(locked) {
    await this.#signal.request('lock', { locked });
    this._setLocked(locked);
  }

  /** Doctors and admins. @param {RemoteParticipant} participant @param {string} [reason] */
  async kick(participant, reason) {
    await this.#signal.request('kick', { participant: participant.id, ...(reason && { reason }) });
  }

  /** Doctors and admins: closes somebody else's microphone; only they can open it again. @param {RemoteParticipant} participant */
  async muteParticipant(participant) {
    const publication = participant.publication('microphone');
    if (!publication) return;
    await this.#signal.request('mute', { track: publication.id, muted: true });
    this._setMuted(participant.id, publication.id, true);
  }

  /** Which video is served first when the link is too thin for all. @param {TrackPublication} publication @param {'high' | 'normal' | 'low'} priority */
  setPriority(publication, priority) {
    this._view.setPriority(publication.id, priority);
  }

  /**
   * The browser's own statistics of the connection that carries the media, or of one of the two.
   * @param {'p2p' | 'sfu'} [of]
   */
  getStats(of) {
    const direct = this.#topology.connection;
    return (of !== 'sfu' && direct ? direct : this.#sfu).pc.getStats();
  }

  // ---- the waiting room, policy, links: doctors and admins ----------------------------------------------------------

  /** @param {string} id of one of `waiting` */
  async admit(id) {
    await this.#signal.request('admit', { waiting: id });
  }

  /** @returns {Promise<number>} how many there were places for */
  async admitAll() {
    return (await this.#signal.request('admitAll')).admitted;
  }

  /** @param {string} id of one of `waiting` @param {string} [reason] shown to them */
  async declineWaiting(id, reason) {
    await this.#signal.request('declineWaiting', { waiting: id, ...(reason && { reason }) });
  }

  /** Puts a patient or an interpreter back into the queue. @param {string} id of a participant @param {string} [reason] shown to them */
  async sendBack(id, reason) {
    await this.#signal.request('sendBack', { participant: id, ...(reason && { reason }) });
  }

  /** What is left out stays as it is. @param {Partial<import('./room_state.js').RoomPolicy>} change */
  async setPolicy(change) {
    this._setPolicy((await this.#signal.request('setPolicy', change)).policy);
  }

  /**
   * A link into this room for somebody without an account. It opens one session, once.
   * @param {{role: 'patient' | 'interpreter' | 'observer', name?: string, ttlSeconds?: number, wait?: boolean}} options
   *   `ttlSeconds`: 60 to 86400, an hour if left out; `wait`: into the waiting room first, true for patients if left out
   * @returns {Promise<GuestLink>}
   */
  async createGuestLink({ role, name, ttlSeconds, wait }) {
    const reply = await this.#signal.request('createGuestLink', {
      role, ...(name && { name }), ...(ttlSeconds && { ttl: ttlSeconds }), ...(wait !== undefined && { wait }),
    });
    return { ...reply, url: new URL(reply.url, this.#signal.origin).href };
  }

  /** @param {string} link @returns {Promise<boolean>} true: too late, it was used */
  async revokeGuestLink(link) {
    return (await this.#signal.request('revokeGuestLink', { link })).used;
  }

  /** Doctors and admins: ends the consultation for everybody. */
  async closeForAll() {
    await this.#signal.request('close');
  }

  async leave() {
    if (this.#left) return;
    const told = this.#signal.request('leave').catch(() => {});
    this._end('left');
    await told;
  }

  /** @internal @param {string} reason @param {string} [detail] in the words of whoever ended it */
  _end(reason, detail = '') {
    if (this.#left) return;
    this.#left = true;
    this.#endReason = reason;
    this.#place.end();
    this.#quality.close();
    this._clear(reason);
    this.localParticipant._release();
    this._view.close();
    this.#topology.close();
    this.#sfu.close();
    this.emit('disconnected', reason, detail);
  }
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
