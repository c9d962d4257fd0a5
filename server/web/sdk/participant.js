// server/web/sdk/participant.js: the people in a room as both sides have them in common, and those on the other side.

import { Emitter } from './emitter.js';
import { Track, TrackPublication } from './tracks.js';

/** @typedef {import('./tracks.js').Source} Source */
/** @typedef {import('./tracks.js').TrackInfo} TrackInfo */
/** @typedef {{participant: string, identity: string, name: string, role: string, joinedAt: number, handRaised: boolean,
 *   connected: boolean, tracks: TrackInfo[], quality?: LinkQuality}} ParticipantInfo */
/** @typedef {'excellent' | 'good' | 'poor' | 'lost'} Grade */
/**
 * A participant's connection to the server, as the server sees it. `cause`: what to blame when it is not excellent: its own
 * uplink or downlink, the uplink of somebody it watches, or its device, which encodes too slowly.
 * @typedef {{uplink: Grade, downlink: Grade, cause: 'none' | 'uplink' | 'downlink' | 'otherUplink' | 'device'}} LinkQuality
 */

/** @template {{[event: string]: any[]}} Events @extends {Emitter<Events>} */
export class Participant extends Emitter {
  /** @type {Map<string, TrackPublication>} */
  publications = new Map();
  name = '';
  joinedAt = 0;
  handRaised = false;
  /** False while their signaling is lost; their media may go on. */
  connected = true;
  speaking = false;
  /** Null until the server has judged it. @type {LinkQuality | null} */
  quality = null;

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
    this.joinedAt = info.joinedAt;
    this.handRaised = info.handRaised;
    this.connected = info.connected;
    if (info.quality) this.quality = info.quality;
  }
}

/** @extends {Participant<{}>} */
export class RemoteParticipant extends Participant {
  /** @internal A publication that is not known yet. @param {TrackInfo} info @returns {TrackPublication} */
  _publish(info) {
    const publication = new TrackPublication(info, new Track(info.source, info.kind, this.id));
    this.publications.set(info.track, publication);
    return publication;
  }
}
