// server/web/sdk/topology.js: over the server or directly: this side of the change that the server leads (PROTOCOL.md
// section 13). Make before break, both ways: what plays goes on until the other connection's media was decoded, and all
// of it changes over in one task, right after a picture was presented.

import { DirectConnection } from './direct_connection.js';
import { DirectSpeakers } from './direct_speakers.js';
import { MediaReady } from './media_ready.js';
import { PathWatch } from './path_watch.js';
import { picturesHold } from './picture_guard.js';
import { SilentPlayer } from './silent_player.js';
import { SwitchMeter } from './switch_meter.js';

/** @typedef {import('./tracks.js').Source} Source */
/** @typedef {import('./tracks.js').TrackPublication} TrackPublication */
/** @typedef {import('./direct_connection.js').Invitation} Invitation */
/** @typedef {'p2p' | 'sfu'} Way */

/**
 * What the room does for us.
 * @typedef {object} Host
 * @property {(type: string, fields: object) => Promise<any>} request
 * @property {(on: boolean) => void} setSending towards the server
 * @property {(source: Source) => MediaStreamTrack | null} localMedia
 * @property {(participant: string) => TrackPublication[]} publications of a remote participant
 * @property {(track: string) => RTCRtpReceiver | null} slotReceiver of a track that the server sends us
 * @property {() => void} show plays what mediaOf() says, else what the slots hold
 * @property {() => string} self our own id
 * @property {(speakers: import('./direct_speakers.js').Speaker[]) => void} speak
 * @property {(topology: Way) => void} told the room's topology is this from now on
 * @property {(topology: Way, reason: string, gapMs: number | null) => void} changed
 */

/**
 * `state`: connecting (also while ours is shown already and the other one's is not), connected (both), returning, over;
 * `showing`: what comes directly is played, `pictures`: its pictures are; `began`, `changed`: the last change, and when it was made for good.
 * @typedef {{number: number, peer: string, connection: DirectConnection, state: 'connecting' | 'connected' | 'returning' | 'over',
 *   showing: boolean, pictures: boolean, reason: string, trouble: string | null, swapped: boolean, gap: Promise<number | null>, meter: SwitchMeter | null, began: number, changed: number,
 *   watch: PathWatch | null, speakers: DirectSpeakers | null, pair?: string}} Attempt
 */

const POLL_MS = 50;
/** Statistics cost time that pictures need; nobody waits for a change while both ways bring them. */
const CALM_POLL_MS = 100;
/** The server gives a try three seconds, a return four and a half: from then on what is there will do. */
const HURRY_MS = 2000;
const RETURN_HURRY_MS = 3500;
/** So long the way from before is kept, in case the server's pictures stop again. */
const HOLD_MS = 600;
/** A picture that stopped so often will not be better the next time. */
const RETURNS = 3;
/** No picture comes (any more): change over without waiting for one. */
const NO_PICTURE_MS = 120;
/** Nothing came for so long: the picture stands still already. */
const DEAD_MS = 600;
/** The other one may live on a connection that is over for us: so long at most it is kept. */
const KEPT_MS = 10_000;
/** A picture whose track ends is black; an element that has just left it may still hold it on a busy machine. */
const CLOSE_MS = 250;
/** How long a sound that was changed over keeps its unheard player, so that the device stays open. */
const LINGER_MS = 1000;

export class Topology {
  /** @type {Attempt | null} */ #attempt = null;
  /** @type {(() => void) | null} tells the change before, whose gap is being measured */ #untold = null;
  /** @type {Way} */ #topology = 'sfu';
  /** @type {(() => void) | null} closes the connection that is kept for the other one */ #letGo = null;
  #host;

  /** @param {Host} host */
  constructor(host) {
    this.#host = host;
  }

  /** What plays as `source` of a participant directly; null: what the server sends. @param {string} participant @param {Source} source @returns {MediaStreamTrack | null} */
  mediaOf(participant, source) {
    const attempt = this.#attempt;
    const direct = source === 'camera' || source === 'screen' ? attempt?.pictures : attempt?.showing;
    return attempt && direct && attempt.peer === participant ? (attempt.connection.receiver(source)?.track ?? null) : null;
  }

  /** The direct connection while its media is shown. */
  get connection() {
    return this.#attempt?.showing ? this.#attempt.connection : null;
  }

  localMediaChanged() {
    this.#attempt?.connection.syncMedia();
  }

  // ---- what the server says ----------------------------------------------------------------------------------------

  /** @param {string} name @param {any} m @returns {boolean} whether it was about this */
  event(name, m) {
    const attempt = this.#attempt?.number === m.attempt ? this.#attempt : null;
    if (name === 'direct') this.#begin(m);
    else if (name === 'signal') attempt?.connection.receive(m);
    else if (name === 'topologyChanging') this.#changing(attempt, m);
    else if (name === 'topology') this.#told(attempt, m.topology, m.forced === true);
    else return false;
    return true;
  }

  /** @param {any} snapshot after a join or a resume: events may have been missed @param {boolean} fresh we come in: that is no change */
  sync({ topology, direct }, fresh) {
    const attempt = this.#attempt;
    if (attempt && direct?.attempt === attempt.number) {
      if (direct.state === 'connecting' && attempt.showing) this.#report(attempt, 'connected');
      if (direct.state === 'connected') this.#connected(attempt);
      if (direct.state === 'connected' && attempt.trouble) this.#report(attempt, attempt.trouble);
      if (direct.state === 'returning') this.#changing(attempt, { attempt: attempt.number, reason: 'lost' });
    } else {
      if (attempt) this.#finish(attempt, 'lost', true);
      if (direct) this.#host.request('directState', { attempt: direct.attempt, state: direct.state === 'returning' ? 'swapped' : 'failed' }).catch(() => {});
    }
    this.#settle(topology, attempt, fresh && !attempt);
  }

  /** Nobody can ask us now to send to the server, so we do. */
  signalLost() {
    if (this.#attempt?.state === 'connected') this.#host.setSending(true);
  }

  /** @param {Attempt | null} attempt @param {Way} topology @param {boolean} forced */
  #told(attempt, topology, forced) {
    if (topology === 'p2p' && attempt) this.#connected(attempt);
    if (topology === 'sfu' && attempt) this.#finish(attempt, 'left', forced);
    this.#settle(topology, attempt);
  }

  /** @param {Way} topology @param {Attempt | null} attempt @param {boolean} [silently] */
  #settle(topology, attempt, silently = false) {
    if (topology === this.#topology) return;
    this.#topology = topology;
    this.#untold?.();
    this.#host.told(topology);
    if (silently) return;
    const reason = topology === 'p2p' ? 'room' : (attempt?.reason ?? 'room');
    let over = false;
    /** @param {number | null} gapMs */
    const tell = (gapMs) => {
      if (over) return;
      over = true;
      this.#untold = null;
      this.#host.changed(topology, reason, gapMs);
    };
    this.#untold = () => tell(null);
    if (attempt) attempt.gap.then(tell);
    else tell(null);
  }

  // ---- towards each other ------------------------------------------------------------------------------------------

  /** @param {Invitation} invitation */
  #begin(invitation) {
    if (this.#attempt) this.#finish(this.#attempt, 'room');
    this.#letGo?.();
    const { attempt: number, peer } = invitation;
    const connection = this.#open(invitation);
    if (!connection) return;
    /** @type {Attempt} */
    const attempt = {
      number, peer, connection, state: 'connecting', showing: false, pictures: false, reason: '', trouble: null, swapped: false,
      gap: Promise.resolve(null), meter: null, began: 0, changed: 0, watch: null, speakers: null,
    };
    this.#attempt = attempt;
    connection.on('state', (state) => state === 'failed' && this.#trouble(attempt, 'failed'));
    this.#connect(attempt).catch((error) => this.#trouble(attempt, 'failed', error));
  }

  /** @param {Invitation} invitation */
  #open(invitation) {
    const { attempt } = invitation;
    try {
      const send = (/** @type {object} */ message) => this.#host.request('signal', { attempt, ...message });
      return new DirectConnection(invitation, send, (source) => this.#host.localMedia(source));
    } catch (error) {
      console.warn('direct connection:', error); // an address among the ICE servers that is none
      this.#host.request('directState', { attempt, state: 'failed' }).catch(() => {});
      return null;
    }
  }

  /** @param {Attempt} attempt */
  async #connect(attempt) {
    const { connection } = attempt;
    const began = performance.now();
    const unheard = new SilentPlayer();
    const ready = new MediaReady(false);
    const connecting = () => attempt.state === 'connecting';
    while (connecting() && connection.pc.connectionState !== 'connected') await pause(POLL_MS);
    const meter = new SwitchMeter(this.#picture(attempt.peer));
    while (connecting()) {
      if (performance.now() - began > HURRY_MS) ready.hurry();
      for (const source of /** @type {Source[]} */ (['microphone', 'screenAudio'])) unheard.play(connection.receiver(source)?.track);
      if (await ready.check(this.#wanted(attempt, (p) => connection.receiver(p.source), (p) => this.#host.slotReceiver(p.id), heightOf))) break;
      await pause(CALM_POLL_MS);
    }
    if (connecting()) attempt.pair = await connection.pair();
    if (connecting()) await meter.nextPicture(NO_PICTURE_MS);
    if (connecting()) {
      attempt.meter = meter;
      this.#swap(attempt, true);
      this.#measure(attempt, 'connected');
      attempt.watch = new PathWatch(connection.pc, () => this.#sends(attempt.peer), () => this.#trouble(attempt, 'stalled'));
      this.#report(attempt, 'connected');
    } else {
      meter.close();
    }
    setTimeout(() => unheard.close(), LINGER_MS);
  }

  /** Both have said that they need nothing from the server. @param {Attempt} attempt */
  #connected(attempt) {
    if (attempt.state === 'connecting') attempt.state = 'connected';
    if (attempt.state === 'connected' && !attempt.trouble) this.#host.setSending(false);
  }

  // ---- and back ----------------------------------------------------------------------------------------------------

  /** @param {Attempt} attempt @param {'failed' | 'stalled'} state @param {unknown} [error] */
  #trouble(attempt, state, error) {
    if (attempt.trouble || attempt.state === 'returning' || attempt.state === 'over') return;
    if (error) console.debug('direct connection:', error);
    attempt.trouble = state;
    this.#host.setSending(true);
    this.#report(attempt, state);
  }

  /** Until it is told that we do, the server holds what we send. @param {Attempt} attempt */
  #sendAgain(attempt) {
    this.#host.setSending(true);
    this.#report(attempt, 'sending');
  }

  /** @param {Attempt | null} attempt @param {{attempt: number, reason: string}} m */
  #changing(attempt, { attempt: number, reason }) {
    if (!attempt) this.#host.request('directState', { attempt: number, state: 'swapped' }).catch(() => {});
    else if (attempt.swapped) this.#report(attempt, 'swapped');
    else if (attempt.state !== 'returning') this.#return(attempt, reason).catch((error) => console.debug('back to the server:', error));
  }

  /** @param {Attempt} attempt @param {string} reason */
  async #return(attempt, reason) {
    attempt.state = 'returning';
    attempt.reason = reason;
    this.#sendAgain(attempt);
    if (attempt.showing) await this.#change(attempt, attempt.trouble !== null || reason === 'stalled' || reason === 'failed');
    if (attempt.state !== 'returning') return;
    attempt.swapped = true;
    this.#report(attempt, 'swapped');
  }

  /** Plays what the server sends once it is as good as what comes directly, and stays with it if it stays so. @param {Attempt} attempt @param {boolean} urgent */
  async #change(attempt, urgent) {
    const began = performance.now();
    const unheard = new SilentPlayer();
    const ready = new MediaReady(urgent, RETURN_HURRY_MS);
    const meter = this.#meterBack(attempt);
    const returning = () => attempt.state === 'returning';
    const inTime = () => !urgent && !attempt.trouble && performance.now() - began < RETURN_HURRY_MS;
    const server = (/** @type {TrackPublication} */ p) => this.#host.slotReceiver(p.id);
    const direct = (/** @type {TrackPublication} */ p) => attempt.connection.receiver(p.source);
    for (let n = 0; n < RETURNS && returning(); n++) {
      while (returning()) {
        if (!inTime()) ready.hurry();
        for (const p of this.#host.publications(attempt.peer)) if (p.kind === 'audio') unheard.play(server(p)?.track);
        if (await ready.check(this.#wanted(attempt, server, direct, attempt.trouble ? () => 0 : neededHeight))) break;
        await pause(urgent ? POLL_MS : CALM_POLL_MS);
      }
      if (returning()) await meter.nextPicture(NO_PICTURE_MS);
      if (!returning()) break;
      if (attempt.showing) this.#swap(attempt, false);
      else this.#showPictures(attempt, false);
      if (urgent || (await picturesHold(meter, this.#pairs(attempt, server, direct), HOLD_MS, () => returning() && inTime()))) break;
      if (returning()) this.#showPictures(attempt, true);
    }
    if (!attempt.showing) this.#measure(attempt, 'swapped');
    setTimeout(() => unheard.close(), LINGER_MS);
  }

  /** @param {Attempt} attempt @param {boolean} direct */
  #showPictures(attempt, direct) {
    attempt.pictures = direct;
    attempt.changed = performance.now();
    this.#host.show();
  }

  /**
   * Pictures that come both ways.
   * @param {Attempt} attempt @param {(p: TrackPublication) => RTCRtpReceiver | null} nowBy @param {(p: TrackPublication) => RTCRtpReceiver | null} beforeBy
   */
  #pairs(attempt, nowBy, beforeBy) {
    return this.#host.publications(attempt.peer).flatMap((p) => {
      const [now, before] = p.kind === 'video' && !p.muted ? [nowBy(p), beforeBy(p)] : [null, null];
      return now && before ? [{ now, before }] : [];
    });
  }

  /** @param {Attempt} attempt @param {string} reason if none was told @param {boolean} [forced] the other one may still need the connection */
  #finish(attempt, reason, forced = false) {
    if (attempt.state === 'over') return;
    if (attempt.state !== 'returning') this.#sendAgain(attempt);
    attempt.state = 'over';
    attempt.reason ||= reason;
    this.#attempt = attempt.showing || attempt.pictures ? attempt : null;
    if (attempt.showing || attempt.pictures) {
      this.#meterBack(attempt);
      this.#swap(attempt, false);
    }
    if (attempt.began) this.#measure(attempt, 'swapped');
    this.#attempt = null;
    attempt.watch?.close();
    if (forced) this.#keep(attempt.connection);
    else if (attempt.began) setTimeout(() => attempt.connection.close(), CLOSE_MS);
    else attempt.connection.close();
  }

  /** Sends on, until the other one closes it. @param {DirectConnection} connection */
  #keep(connection) {
    this.#letGo?.();
    const letGo = () => {
      clearTimeout(timer);
      connection.close();
      this.#letGo = null;
    };
    const timer = setTimeout(letGo, KEPT_MS);
    connection.on('state', (state) => state !== 'connected' && letGo());
    this.#letGo = letGo;
  }

  /** @param {Attempt} attempt */
  #meterBack(attempt) {
    const last = attempt.watch?.lastArrival ?? Infinity; // asked a few times a second: as old as a gap only if there is one
    attempt.meter ??= new SwitchMeter(this.#picture(attempt.peer), performance.now() - last > DEAD_MS ? last : undefined);
    return attempt.meter;
  }

  // ---- the moment itself -------------------------------------------------------------------------------------------

  /** @param {Attempt} attempt @param {boolean} direct */
  #swap(attempt, direct) {
    attempt.showing = attempt.pictures = direct;
    attempt.began = attempt.changed = performance.now();
    this.#host.show();
    if (!direct) attempt.watch?.close();
    attempt.speakers?.close();
    attempt.speakers = direct ? this.#listen(attempt) : null;
  }

  /** The change is made for good. @param {Attempt} attempt @param {'connected' | 'swapped'} state */
  #measure(attempt, state) {
    if (!attempt.meter) return;
    attempt.gap = attempt.meter.gap(attempt.began, attempt.changed);
    attempt.meter = null;
    attempt.gap.then((gapMs) => gapMs !== null && this.#report(attempt, state, gapMs));
  }

  /** @param {Attempt} attempt */
  #listen({ connection, peer }) {
    const levels = async () => {
      const { own, other } = await connection.levels();
      return [{ participant: this.#host.self(), level: own }, { participant: peer, level: other }];
    };
    return new DirectSpeakers(levels, (speakers) => this.#host.speak(speakers));
  }

  /** @param {Attempt} attempt @param {string} state @param {number} [gapMs] */
  #report(attempt, state, gapMs) {
    const { number, pair } = attempt;
    const fields = { attempt: number, state, ...(pair && state === 'connected' && { pair }), ...(gapMs !== undefined && { gapMs }) };
    this.#host.request('directState', fields).catch((error) => console.debug(`directState ${state}:`, error)); // sync() makes up for it
  }

  /**
   * What must be decoded before the other connection can be shown: all that the other one sends and does not mute.
   * @param {Attempt} attempt @param {(p: TrackPublication) => RTCRtpReceiver | null} receiverOf
   * @param {(p: TrackPublication) => RTCRtpReceiver | null} shownBy the other way @param {(p: TrackPublication) => number} height
   */
  #wanted(attempt, receiverOf, shownBy, height) {
    return this.#host.publications(attempt.peer).flatMap((p) => {
      // The server sends no picture that nobody sees.
      const unseen = attempt.showing && p.kind === 'video' && (document.visibilityState !== 'visible' || heightOf(p) === 0);
      const receiver = p.muted || unseen ? null : receiverOf(p);
      return receiver ? [{ receiver, shown: p.kind === 'video' ? shownBy(p) : null, height: height(p) }] : [];
    });
  }

  /** Whether packets must come: a muted microphone sends silence, a camera that is off nothing. @param {string} peer */
  #sends(peer) {
    return this.#host.publications(peer).some((p) => p.source === 'microphone' || !p.muted);
  }

  /** The element by which a change is measured. @param {string} peer */
  #picture(peer) {
    if (document.visibilityState !== 'visible') return null;
    const pictures = this.#host.publications(peer).filter((p) => p.kind === 'video' && !p.muted);
    pictures.sort((a, b) => Number(b.source === 'camera') - Number(a.source === 'camera'));
    for (const { track } of pictures) {
      for (const element of track.elements) if (element instanceof HTMLVideoElement && element.isConnected && element.videoWidth > 0) return element;
    }
    return null;
  }

  close() {
    const attempt = this.#attempt;
    this.#attempt = null;
    this.#letGo?.();
    if (!attempt) return;
    attempt.state = 'over';
    attempt.watch?.close();
    attempt.speakers?.close();
    attempt.connection.close();
  }
}

/** The server sends as large a picture as is shown, and may leave it to be enlarged by so much. */
const ENLARGED = 1.25;

/** How high a picture the server must send to be no worse than the one that is shown. @param {TrackPublication} publication */
function neededHeight({ track }) {
  let needed = 0;
  for (const e of track.elements) {
    if (!(e instanceof HTMLVideoElement) || !e.videoHeight) continue;
    const scale = window.devicePixelRatio || 1;
    const fits = Math.min((e.clientWidth * scale) / e.videoWidth, (e.clientHeight * scale) / e.videoHeight);
    needed = Math.max(needed, e.videoHeight * Math.min(1, fits / ENLARGED));
  }
  return needed;
}

/** How large a picture is shown now. @param {TrackPublication} publication */
function heightOf({ track }) {
  return Math.max(0, ...[...track.elements].map((e) => (e instanceof HTMLVideoElement ? e.videoHeight : 0)));
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
