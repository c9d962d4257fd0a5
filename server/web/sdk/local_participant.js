// server/web/sdk/local_participant.js: oneself: devices, what is sent of them, and what the server knows of it.
//
// What the user wants counts at once, whether or not the server can be reached: a muted microphone is silent before
// anybody is told. What the server could not be told is made up for when its view of us is known again (_reconcile) or
// when there is a new connection (_republish).

import { captureBoth, captureDevice, captureNextCamera, captureScreen } from './capture.js';
import { codeOf, ConsiliumError } from './errors.js';
import { Participant } from './participant.js';
import { Track, TrackPublication } from './tracks.js';

/** @typedef {import('./tracks.js').Source} Source */
/** @typedef {import('./tracks.js').TrackInfo} TrackInfo */
/** @typedef {import('./capture.js').DeviceKind} DeviceKind */
/** @typedef {import('./sfu_connection.js').SfuConnection} SfuConnection */

/**
 * A source of ours: its device's track, what the server calls it (null: not told yet), whether it shall be muted, and
 * whether the server thinks so.
 * @typedef {{media: MediaStreamTrack, id: string | null, muted: boolean, told: boolean}} Local
 */

/** @typedef {{
 *   publicationChanged: [publication: TrackPublication],
 *   mediaDevicesError: [error: ConsiliumError, source: Source],
 * }} LocalEvents */

/** The server will hear of it later: at the next `sync`, or when we have joined again. */
const MADE_UP_FOR = new Set(['connection_lost', 'worker_lost', 'not_joined', 'timeout']);
/** @type {Record<DeviceKind, Source>} */
const SOURCES = { audioinput: 'microphone', videoinput: 'camera' };
/** @param {Source} source */
const kindOf = (source) => (source === 'camera' || source === 'screen' ? 'video' : 'audio');

/** @extends {Participant<LocalEvents>} */
export class LocalParticipant extends Participant {
  /** @type {Map<Source, Local>} */ #locals = new Map();
  /** @type {Map<string, Promise<unknown>>} one change of a source after the other */ #queues = new Map();
  /** @type {{audioinput?: string, videoinput?: string}} chosen devices */ #devices = {};
  #released = false;
  #request;
  #sfu;

  /**
   * @param {(type: string, fields: object) => Promise<any>} request
   * @param {() => SfuConnection} sfu the connection of the moment
   */
  constructor(request, sfu) {
    super('', '', '');
    this.#request = request;
    this.#sfu = sfu;
  }

  // ---- what the page may ask for -----------------------------------------------------------------------------------

  /** @param {Source} source */
  isEnabled(source) {
    const local = this.#locals.get(source);
    return local !== undefined && !local.muted;
  }

  /** @param {boolean} on @returns {Promise<void>} */
  setMicrophoneEnabled(on) {
    return this.#serial('microphone', () => this.#set('microphone', on, 'audioinput'));
  }

  /** Off also switches the device, and its light, off. @param {boolean} on @returns {Promise<void>} */
  setCameraEnabled(on) {
    return this.#serial('camera', () => this.#set('camera', on, 'videoinput'));
  }

  /**
   * Both on, with one question to the user. A missing camera does not keep the microphone off.
   * @returns {Promise<ConsiliumError[]>} what could not be opened
   */
  enableCameraAndMicrophone() {
    return this.#serial('microphone', () => this.#serial('camera', async () => {
      const captured = await captureBoth(this.#devices);
      /** @type {ConsiliumError[]} */ const errors = [];
      /** @type {[Source, MediaStreamTrack][]} */ const opened = [];
      for (const kind of /** @type {DeviceKind[]} */ (['audioinput', 'videoinput'])) {
        const media = captured[kind];
        if (media instanceof ConsiliumError) errors.push(media);
        else opened.push([SOURCES[kind], media]);
      }
      if (opened.length > 0) await this.#publish(opened);
      return errors;
    }));
  }

  /** Asks what to share; with sound where the browser offers it. @param {boolean} on @returns {Promise<void>} */
  setScreenShareEnabled(on) {
    return this.#serial('screen', async () => {
      if (!on) return this.#stop(['screen', 'screenAudio']);
      if (this.#locals.has('screen')) return;
      const { video, audio } = await captureScreen();
      await this.#publish(audio ? [['screen', video], ['screenAudio', audio]] : [['screen', video]]);
    });
  }

  /**
   * Sends `media` as `source`, in place of what was sent there before.
   * @param {Source} source @param {MediaStreamTrack} media
   * @returns {Promise<void>}
   */
  publishTrack(source, media) {
    return this.#serial(source, () => this.#publish([[source, media]]));
  }

  /** Ends `source` for good; the device is let go. @param {Source} source @returns {Promise<void>} */
  unpublishTrack(source) {
    return this.#serial(source, () => this.#stop([source]));
  }

  /**
   * Takes another camera or microphone from now on, without negotiation.
   * @param {DeviceKind} kind @param {string} deviceId
   * @returns {Promise<void>}
   */
  switchDevice(kind, deviceId) {
    const source = SOURCES[kind];
    return this.#serial(source, async () => {
      this.#devices[kind] = deviceId;
      const local = this.#locals.get(source);
      if (!local || local.muted) return;
      if (kind === 'videoinput') local.media.stop(); // phones open one camera at a time
      try {
        await this.#publish([[source, await captureDevice(kind, deviceId)]]);
      } catch (error) {
        if (local.media.readyState === 'ended') await this.#mute(source, local, true);
        throw error;
      }
    });
  }

  /**
   * Takes the next camera: on a phone the one at the other side.
   * @returns {Promise<void>}
   */
  swapCamera() {
    return this.#serial('camera', async () => {
      const local = this.#locals.get('camera');
      if (!local || local.muted) return;
      const { deviceId } = local.media.getSettings();
      local.media.stop(); // phones open one camera at a time
      try {
        const media = await captureNextCamera(deviceId);
        this.#devices.videoinput = media.getSettings().deviceId ?? '';
        await this.#publish([['camera', media]]);
      } catch (error) {
        await this.#mute('camera', local, true);
        throw error;
      }
    });
  }

  // ---- one source --------------------------------------------------------------------------------------------------

  /**
   * The sound of a screen is part of it.
   * @template T @param {Source} source @param {() => Promise<T>} work @returns {Promise<T>}
   */
  #serial(source, work) {
    const queue = source === 'screenAudio' ? 'screen' : source;
    const next = (this.#queues.get(queue) ?? Promise.resolve()).then(() => {
      if (this.#released) throw new ConsiliumError('closed');
      return work();
    });
    this.#queues.set(queue, next.catch(() => {}));
    return next;
  }

  /** @param {Source} source @param {boolean} on @param {DeviceKind} kind */
  async #set(source, on, kind) {
    if (on === this.isEnabled(source)) return;
    const local = this.#locals.get(source);
    if (local && (!on || (source === 'microphone' && local.media.readyState === 'live'))) await this.#mute(source, local, !on);
    else if (on) await this.#publish([[source, await captureDevice(kind, this.#devices[kind])]]);
  }

  /** @param {Source} source @param {Local} local @param {boolean} muted */
  async #mute(source, local, muted) {
    local.muted = muted;
    local.media.enabled = !muted;
    if (muted && source === 'camera') local.media.stop();
    this.#changed(source, local);
    await this.#send([source]);
  }

  /** @param {[Source, MediaStreamTrack][]} captured */
  async #publish(captured) {
    if (this.#released) {
      for (const [, media] of captured) media.stop(); // left while the user was asked
      throw new ConsiliumError('closed');
    }
    for (const [source, media] of captured) {
      const before = this.#locals.get(source);
      if (before && before.media !== media) before.media.stop();
      const local = { media, id: before?.id ?? null, muted: false, told: before?.told ?? false };
      this.#locals.set(source, local);
      media.addEventListener('ended', () => this.#ended(source, media));
      this.#changed(source, local);
    }
    const sources = captured.map(([source]) => source);
    try {
      await this.#send(sources);
    } catch (error) {
      await this.#stop(sources.filter((s) => this.#locals.get(s)?.id === null));
      throw error;
    }
  }

  /** Unplugged, taken away by the system, or the browser's own "stop sharing". @param {Source} source @param {MediaStreamTrack} media */
  #ended(source, media) {
    this.#serial(source, async () => {
      const local = this.#locals.get(source);
      if (local?.media !== media || local.muted) return;
      if (source === 'screen') return this.#stop(['screen', 'screenAudio']);
      if (source === 'screenAudio') return this.#stop([source]);
      await this.#mute(source, local, true);
      this.emit('mediaDevicesError', new ConsiliumError('device_lost', media.label), source);
    }).catch(() => {});
  }

  /** Brings connection and server in line with what is wanted of `sources`. @param {Source[]} sources */
  async #send(sources) {
    const sfu = this.#sfu();
    try {
      const transceivers = await sfu.senders(sources);
      for (const [i, source] of sources.entries()) {
        const local = this.#locals.get(source);
        if (local) await transceivers[i].sender.replaceTrack(local.media.readyState === 'live' ? local.media : null);
      }
      const mids = new Map(sources.map((source, i) => [source, /** @type {string} */ (transceivers[i].mid)]));
      await this.#announce(sfu, mids);
      for (const source of sources) await this.#tellMuted(source);
    } catch (error) {
      if (!MADE_UP_FOR.has(codeOf(error)) && sfu === this.#sfu()) throw error;
    }
  }

  /** @param {SfuConnection} sfu @param {Map<Source, string>} mids */
  async #announce(sfu, mids) {
    const tracks = [];
    for (const [source, mid] of mids) {
      const local = this.#locals.get(source);
      if (!local || local.id !== null) continue;
      const { width, height } = local.media.getSettings();
      tracks.push({ mid, source, muted: local.muted, ...(width && height && { width, height }) });
    }
    if (tracks.length === 0) return;
    const reply = await this.#request('publish', { tracks });
    if (sfu !== this.#sfu()) return; // these names were for a connection that is gone
    for (const { track, mid } of reply.tracks) {
      const asked = tracks.find((t) => t.mid === mid);
      if (asked) this.#named(asked.source, track, asked.muted);
    }
  }

  /** @param {Source} source @param {string} id @param {boolean} told */
  #named(source, id, told) {
    const local = this.#locals.get(source);
    if (!local) return;
    local.id = id;
    local.told = told;
    this.#changed(source, local);
  }

  /** @param {Source} source */
  async #tellMuted(source) {
    const local = this.#locals.get(source);
    if (!local || local.id === null || local.told === local.muted) return;
    const { muted } = local;
    await this.#request('mute', { track: local.id, muted });
    local.told = muted;
  }

  /** @param {Source[]} sources */
  async #stop(sources) {
    const ids = [];
    for (const source of sources) {
      const local = this.#locals.get(source);
      if (!local) continue;
      this.#locals.delete(source);
      local.media.stop();
      if (local.id !== null) ids.push(local.id);
      this.#forget(source);
      await this.#sfu().stopSending(source).catch(() => {});
    }
    if (ids.length === 0) return;
    await this.#request('unpublish', { tracks: ids }).catch((error) => {
      if (!MADE_UP_FOR.has(codeOf(error)) && codeOf(error) !== 'track_not_found') throw error;
    });
  }

  // ---- publications: what the page sees of it ----------------------------------------------------------------------

  /** @param {Source} source @param {Local} local */
  #changed(source, local) {
    const known = this.publication(source);
    const info = { track: local.id ?? '', source, kind: /** @type {'audio' | 'video'} */ (kindOf(source)), muted: local.muted };
    const publication = known ?? new TrackPublication(info, new Track(source, info.kind, this.id));
    if (known) this.publications.delete(known.id || source);
    publication.id = info.track;
    publication.muted = local.muted;
    publication.track.participant = this.id;
    this.publications.set(publication.id || source, publication);
    publication.track._setMedia(local.media);
    this.emit('publicationChanged', publication);
  }

  /** @param {Source} source */
  #forget(source) {
    const publication = this.publication(source);
    if (!publication) return;
    this.publications.delete(publication.id || source);
    publication.track._setMedia(null);
    this.emit('publicationChanged', publication);
  }

  // ---- what the server says ----------------------------------------------------------------------------------------

  /** @param {string} id @returns {[Source, Local] | undefined} */
  #byId(id) {
    return [...this.#locals].find(([, local]) => local.id === id);
  }

  /** @internal Somebody muted one of our tracks (a doctor may). @param {string} id @param {boolean} muted */
  _mutedByServer(id, muted) {
    const [source, local] = this.#byId(id) ?? [];
    if (!source || !local) return;
    local.told = muted;
    local.muted = muted;
    local.media.enabled = !muted;
    this.#changed(source, local);
  }

  /** @internal The server dropped one of our tracks. @param {string} id */
  _unpublishedByServer(id) {
    const [source, local] = this.#byId(id) ?? [];
    if (!source || !local) return;
    local.id = null;
    this.#serial(source, () => this.#stop([source])).catch(() => {});
  }

  /**
   * @internal After a lost socket: what the server has of us against what we want.
   * @param {TrackInfo[]} tracks
   */
  async _reconcile(tracks) {
    const unclaimed = new Map(tracks.map((t) => [t.track, t]));
    for (const [source, local] of this.#locals) {
      // A publish whose reply was lost is known by its source only.
      const info = unclaimed.get(local.id ?? '') ?? (local.id === null ? tracks.find((t) => t.source === source && unclaimed.has(t.track)) : undefined);
      if (!info) {
        local.id = null;
        continue;
      }
      unclaimed.delete(info.track);
      const changedByOthers = local.id !== null && info.muted !== local.told && info.muted;
      this.#named(source, info.track, info.muted);
      if (changedByOthers) this._mutedByServer(info.track, true);
    }
    const changes = [...this.#locals.keys()].map((source) => this.#serial(source, () => this.#send([source])));
    if (unclaimed.size > 0) changes.push(this.#request('unpublish', { tracks: [...unclaimed.keys()] }));
    for (const { status, reason } of /** @type {PromiseRejectedResult[]} */ (await Promise.allSettled(changes))) {
      if (status === 'rejected') console.debug('reconcile:', reason);
    }
  }

  /** @internal A new connection to the server stands: what was sent on the old one goes on there. */
  async _republish() {
    for (const [source, local] of this.#locals) {
      local.id = null;
      this.#changed(source, local);
    }
    await this._reconcile([]);
  }

  /** @internal @param {string} trackId @param {import('./sfu_connection.js').LayerWish[]} layers */
  async _setLayers(trackId, layers) {
    const [source] = this.#byId(trackId) ?? [];
    if (source) await this.#sfu().setLayers(source, layers);
  }

  /** @internal What is sent as `source` now; nothing of a camera that is off. @param {Source} source */
  _media(source) {
    const media = this.#locals.get(source)?.media;
    return media?.readyState === 'live' ? media : null;
  }

  /** @internal The room is over: every device is let go. */
  _release() {
    this.#released = true;
    for (const [source, local] of this.#locals) {
      local.media.stop();
      this.#forget(source);
    }
    this.#locals.clear();
  }
}
