// server/web/sdk/participant.js: the people in a room: those on the other side, and oneself with one's devices.

import { Emitter } from './emitter.js';
import { ConsiliumError, deviceError } from './errors.js';
import { Track, TrackPublication } from './tracks.js';

/** @typedef {import('./tracks.js').Source} Source */
/** @typedef {import('./tracks.js').TrackInfo} TrackInfo */
/** @typedef {import('./sfu_connection.js').SfuConnection} SfuConnection */
/** @typedef {{participant: string, identity: string, name: string, role: string, joinedAt: number, handRaised: boolean,
 *   connected: boolean, tracks: TrackInfo[]}} ParticipantInfo */

/** @template {{[event: string]: any[]}} Events @extends {Emitter<Events>} */
class Participant extends Emitter {
  /** @type {Map<string, TrackPublication>} by public track id */
  publications = new Map();
  name = '';
  handRaised = false;
  connected = true;
  speaking = false;

  /** @param {string} id @param {string} identity @param {string} role */
  constructor(id, identity, role) {
    super();
    this.id = id;
    this.identity = identity;
    this.role = role;
  }

  /** @param {Source} source @returns {TrackPublication | undefined} */
  publication(source) {
    return [...this.publications.values()].find((p) => p.source === source);
  }

  /** @internal @param {ParticipantInfo} info */
  _update(info) {
    this.name = info.name;
    this.handRaised = info.handRaised;
    this.connected = info.connected;
  }
}

/** @extends {Participant<{}>} */
export class RemoteParticipant extends Participant {
  /** @internal @param {TrackInfo} info @returns {TrackPublication} */
  _publish(info) {
    const known = this.publications.get(info.track);
    if (known) {
      known.muted = info.muted;
      return known;
    }
    const publication = new TrackPublication(info, new Track(info.source, info.kind, this.id));
    this.publications.set(info.track, publication);
    return publication;
  }
}

const CAMERA = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
const MICROPHONE = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/**
 * What a local source is at the moment: its device's track, its m-line and what the server calls it.
 * @typedef {{media: MediaStreamTrack, mid: string, id: string | null, muted: boolean}} Local
 */

/** @typedef {{ publicationChanged: [publication: TrackPublication] }} LocalEvents */

/** @extends {Participant<LocalEvents>} */
export class LocalParticipant extends Participant {
  /** @type {Map<Source, Local>} */ #locals = new Map();
  /** @type {Map<Source, Promise<void>>} one change of a source after the other */ #busy = new Map();
  /** @type {Map<'audioinput' | 'videoinput', string>} */ #devices = new Map();
  #request;
  #sfu;

  /**
   * @param {string} id @param {string} identity @param {string} role
   * @param {(type: string, fields: object) => Promise<any>} request
   * @param {() => SfuConnection} sfu the connection of the moment
   */
  constructor(id, identity, role, request, sfu) {
    super(id, identity, role);
    this.#request = request;
    this.#sfu = sfu;
  }

  /** @param {boolean} on */
  setMicrophoneEnabled(on) {
    return this.#set('microphone', on, () => this.#capture('audioinput', MICROPHONE));
  }

  /** Off also switches the device, and its light, off. @param {boolean} on */
  setCameraEnabled(on) {
    return this.#set('camera', on, () => this.#capture('videoinput', CAMERA));
  }

  /** Asks what to share; with sound where the browser offers it. @param {boolean} on */
  async setScreenShareEnabled(on) {
    if (!on) {
      await this.#stop('screen');
      await this.#stop('screenAudio');
      return;
    }
    const stream = await navigator.mediaDevices
      .getDisplayMedia({ video: { frameRate: { ideal: 15, max: 30 } }, audio: true })
      .catch((e) => Promise.reject(deviceError(e)));
    const [video] = stream.getVideoTracks();
    const [audio] = stream.getAudioTracks();
    video.contentHint = 'detail';
    video.addEventListener('ended', () => this.setScreenShareEnabled(false).catch(() => {}));
    await this.publishTrack('screen', video);
    if (audio) await this.publishTrack('screenAudio', audio);
  }

  /** @param {Source} source */
  isEnabled(source) {
    const local = this.#locals.get(source);
    return local !== undefined && !local.muted;
  }

  /**
   * Sends `media` as `source`, in place of what was sent there before.
   * @param {Source} source @param {MediaStreamTrack} media
   */
  async publishTrack(source, media) {
    const transceiver = await this.#sfu().sender(source);
    await transceiver.sender.replaceTrack(media);
    const before = this.#locals.get(source);
    const local = { media, mid: /** @type {string} */ (transceiver.mid), id: before?.id ?? null, muted: false };
    if (before && before.media !== media) before.media.stop();
    this.#locals.set(source, local);
    if (local.id) {
      await this.#request('mute', { track: local.id, muted: false });
    } else {
      await this.#announce([[source, local]]);
    }
    this.#changed(source);
  }

  /**
   * Takes another camera or microphone from now on, without negotiation.
   * @param {'audioinput' | 'videoinput'} kind @param {string} deviceId
   */
  async switchDevice(kind, deviceId) {
    this.#devices.set(kind, deviceId);
    const source = kind === 'audioinput' ? 'microphone' : 'camera';
    const local = this.#locals.get(source);
    if (!local || local.muted) return;
    // One camera at a time on many phones: the old one goes before the new one is opened.
    if (kind === 'videoinput') local.media.stop();
    await this.publishTrack(source, await this.#capture(kind, kind === 'audioinput' ? MICROPHONE : CAMERA));
  }

  /** @param {'audioinput' | 'videoinput'} kind @param {MediaTrackConstraints} constraints @returns {Promise<MediaStreamTrack>} */
  async #capture(kind, constraints) {
    if (!navigator.mediaDevices) throw new ConsiliumError('insecure_context', 'cameras and microphones need https or localhost');
    const deviceId = this.#devices.get(kind);
    const wanted = deviceId ? { ...constraints, deviceId: { exact: deviceId } } : constraints;
    try {
      const stream = await navigator.mediaDevices.getUserMedia(kind === 'audioinput' ? { audio: wanted } : { video: wanted });
      return stream.getTracks()[0];
    } catch (error) {
      throw deviceError(error);
    }
  }

  /** @param {Source} source @param {boolean} on @param {() => Promise<MediaStreamTrack>} capture @returns {Promise<void>} */
  #set(source, on, capture) {
    const next = (this.#busy.get(source) ?? Promise.resolve()).then(async () => {
      if (on === this.isEnabled(source)) return;
      const local = this.#locals.get(source);
      if (on && local && local.media.readyState === 'live') {
        local.media.enabled = true;
        await this.#mute(source, local, false);
      } else if (on) {
        await this.publishTrack(source, await capture());
      } else if (local) {
        local.media.enabled = false;
        if (source === 'camera') local.media.stop();
        await this.#mute(source, local, true);
      }
    });
    this.#busy.set(source, next.catch(() => {}));
    return next;
  }

  /** @param {Source} source @param {Local} local @param {boolean} muted */
  async #mute(source, local, muted) {
    local.muted = muted;
    this.#changed(source);
    if (local.id) await this.#request('mute', { track: local.id, muted });
  }

  /** @param {Source} source */
  async #stop(source) {
    const local = this.#locals.get(source);
    if (!local) return;
    this.#locals.delete(source);
    local.media.stop();
    const transceiver = await this.#sfu().sender(source);
    await transceiver.sender.replaceTrack(null);
    if (local.id) {
      const publication = this.publications.get(local.id);
      this.publications.delete(local.id);
      publication?.track._setMedia(null);
      if (publication) this.emit('publicationChanged', publication);
      await this.#request('unpublish', { tracks: [local.id] });
    }
  }

  /** @param {[Source, Local][]} locals */
  async #announce(locals) {
    const tracks = locals.map(([source, { mid, media, muted }]) => {
      const { width, height } = media.getSettings();
      return { mid, source, muted, ...(width && height && { width, height }) };
    });
    const reply = await this.#request('publish', { tracks });
    for (const { track, mid } of reply.tracks) {
      const found = locals.find(([, local]) => local.mid === mid);
      if (found) found[1].id = track;
    }
  }

  /** @param {Source} source */
  #changed(source) {
    const local = this.#locals.get(source);
    if (!local?.id) return;
    let publication = this.publications.get(local.id);
    if (!publication) {
      const kind = source === 'camera' || source === 'screen' ? 'video' : 'audio';
      const track = this.publication(source)?.track ?? new Track(source, kind, this.id);
      publication = new TrackPublication({ track: local.id, source, kind, muted: local.muted }, track);
      this.publications.set(local.id, publication);
    }
    publication.muted = local.muted;
    publication.track._setMedia(local.media);
    this.emit('publicationChanged', publication);
  }

  /** @internal The server muted one of our tracks (a doctor asked for it). @param {string} id @param {boolean} muted */
  _mutedByServer(id, muted) {
    for (const [source, local] of this.#locals) {
      if (local.id !== id || local.muted === muted) continue;
      local.muted = muted;
      local.media.enabled = !muted;
      this.#changed(source);
    }
  }

  /** @internal A new connection to the server stands: what was sent on the old one goes on there. */
  async _republish() {
    for (const [source, local] of this.#locals) {
      const transceiver = await this.#sfu().sender(source);
      await transceiver.sender.replaceTrack(local.media.readyState === 'live' ? local.media : null);
      local.mid = /** @type {string} */ (transceiver.mid);
      if (local.id) this.publications.delete(local.id);
      local.id = null;
    }
    if (this.#locals.size === 0) return;
    await this.#announce([...this.#locals]);
    for (const source of this.#locals.keys()) this.#changed(source);
  }

  /** @internal @param {string} trackId @param {{rid: string, active: boolean}[]} layers */
  async _setLayers(trackId, layers) {
    for (const [source, local] of this.#locals) {
      if (local.id === trackId) await this.#sfu().setLayers(source, layers);
    }
  }

  /** @internal */
  _release() {
    for (const local of this.#locals.values()) local.media.stop();
    this.#locals.clear();
  }
}
