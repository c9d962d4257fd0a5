// server/web/app/room_view.js: the call itself on the page: grid, sound, controls, chat.

import { errorText, text } from './i18n.js';
import { ChatPanel } from './chat.js';
import { Tile } from './tile.js';

/** @typedef {import('../sdk/room.js').Room} Room */
/** @typedef {import('../sdk/consilium.js').Client} Client */
/** @typedef {import('../sdk/participant.js').RemoteParticipant} RemoteParticipant */
/** @typedef {import('../sdk/participant.js').LocalParticipant} LocalParticipant */

/** @param {string} id */
const find = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

export class RoomView {
  /** @type {Map<string, Tile>} by participant id and source */ #tiles = new Map();
  #client;
  #room;
  #chat;

  /** @param {Client} client @param {Room} room */
  constructor(client, room) {
    this.#client = client;
    this.#room = room;
    this.#chat = new ChatPanel(room, () => this.#showControls());
    find('room-title').textContent = text('room.title', { room: room.id });
    this.#listen();
    this.#bindControls();
    for (const participant of room.remoteParticipants.values()) for (const p of participant.publications.values()) this.#playSound(p);
    this.refresh();
  }

  #listen() {
    const room = this.#room;
    const refresh = () => this.refresh();
    room.on('participantConnected', (p) => {
      this.#announce(text('room.joined', { name: p.name }));
      refresh();
    });
    room.on('participantDisconnected', (p) => {
      this.#announce(text('room.left', { name: p.name }));
      refresh();
    });
    room.on('participantUpdated', refresh);
    room.on('trackPublished', (publication) => {
      this.#playSound(publication);
      refresh();
    });
    room.on('trackUnpublished', (publication) => {
      for (const element of [...publication.track.elements]) if (element instanceof HTMLAudioElement) element.remove();
      publication.track.detach();
      refresh();
    });
    room.on('trackMuted', refresh);
    room.on('trackUnmuted', refresh);
    room.on('activeSpeakersChanged', refresh);
    room.localParticipant.on('publicationChanged', refresh);
    room.on('mediaStateChanged', (state) => this.#showState(state === 'connected' ? 'room.connected' : 'room.connecting'));
    this.#client.on('reconnecting', () => this.#showState('room.reconnecting'));
    this.#client.on('reconnected', () => this.#showState('room.connected'));
  }

  /** @param {string} key */
  #showState(key) {
    find('room-state').textContent = text(key);
  }

  /** @param {string} message */
  #announce(message) {
    find('announcer').textContent = message;
  }

  /** @param {import('../sdk/tracks.js').TrackPublication} publication */
  #playSound(publication) {
    if (publication.kind !== 'audio') return;
    const element = publication.track.attach();
    document.body.append(element);
    element.addEventListener('playing', () => this.#soundBlocked(false));
    publication.track.on('mediaChanged', () => {
      element.play().catch((error) => error.name === 'NotAllowedError' && this.#soundBlocked(true));
    });
  }

  /** @param {boolean} blocked */
  #soundBlocked(blocked) {
    find('sound-blocked').hidden = !blocked;
  }

  #bindControls() {
    const local = this.#room.localParticipant;
    this.#control('control-microphone', () => local.setMicrophoneEnabled(!local.isEnabled('microphone')));
    this.#control('control-camera', () => local.setCameraEnabled(!local.isEnabled('camera')));
    this.#control('control-screen', () => local.setScreenShareEnabled(!local.isEnabled('screen')));
    this.#control('control-chat', async () => this.#chat.toggle());
    this.#control('control-leave', () => this.#client.disconnect());
    find('sound-unblock').onclick = () => this.#room.startAudio().then(() => this.#soundBlocked(false));
  }

  /** @param {string} id @param {() => Promise<unknown>} act */
  #control(id, act) {
    const button = /** @type {HTMLButtonElement} */ (find(id));
    button.onclick = async () => {
      button.disabled = true;
      try {
        await act();
      } catch (error) {
        // Closing the screen chooser is no failure.
        if (!(id === 'control-screen' && /** @type {any} */ (error).code === 'permission_denied')) this.#announce(errorText(error));
        if (id !== 'control-screen') find('room-state').textContent = errorText(error);
      } finally {
        button.disabled = false;
        this.#showControls();
      }
    };
  }

  #showControls() {
    const local = this.#room.localParticipant;
    /** @type {[string, string, boolean][]} */
    const states = [
      ['control-microphone', local.isEnabled('microphone') ? 'controls.mute' : 'controls.unmute', !local.isEnabled('microphone')],
      ['control-camera', local.isEnabled('camera') ? 'controls.cameraOff' : 'controls.cameraOn', !local.isEnabled('camera')],
      ['control-screen', local.isEnabled('screen') ? 'controls.unshare' : 'controls.share', local.isEnabled('screen')],
      ['control-chat', this.#chat.unread > 0 ? 'controls.chatUnread' : 'controls.chat', this.#chat.open],
      ['control-leave', 'controls.leave', false],
    ];
    for (const [id, key, pressed] of states) {
      const button = find(id);
      button.textContent = text(key, { count: this.#chat.unread });
      if (id !== 'control-leave') button.setAttribute('aria-pressed', String(pressed));
    }
    const sends = local.role !== 'observer';
    for (const id of ['control-microphone', 'control-camera', 'control-screen', 'control-chat']) find(id).hidden = !sends;
  }

  /** Brings tiles and controls in line with the room. */
  refresh() {
    const room = this.#room;
    /** @type {Map<string, [RemoteParticipant | LocalParticipant, 'camera' | 'screen', boolean]>} */
    const wanted = new Map();
    for (const p of room.remoteParticipants.values()) {
      if (p.publication('screen')) wanted.set(`${p.id} screen`, [p, 'screen', false]);
    }
    for (const p of room.remoteParticipants.values()) wanted.set(`${p.id} camera`, [p, 'camera', false]);
    if (room.localParticipant.role !== 'observer') wanted.set('own camera', [room.localParticipant, 'camera', true]);
    for (const [key, tile] of this.#tiles) {
      if (wanted.get(key)?.[0] === tile.participant) continue;
      tile.remove();
      this.#tiles.delete(key);
    }
    const grid = find('grid');
    for (const [key, [participant, source, own]] of wanted) {
      let tile = this.#tiles.get(key);
      if (!tile) this.#tiles.set(key, (tile = new Tile(participant, source, own)));
      tile.update();
      if (tile.element.parentElement !== grid) grid.append(tile.element);
    }
    grid.style.setProperty('--columns', String(Math.ceil(Math.sqrt(Math.max(1, wanted.size)))));
    grid.classList.toggle('has-screen', [...wanted.keys()].some((key) => key.endsWith(' screen')));
    find('people-count').textContent = text('room.people', { count: room.remoteParticipants.size + 1 });
    this.#showControls();
  }
}
