// server/web/app/room_view.js: the call itself on the page: grid, sound, controls, chat, and what a doctor may do.

import { canCaptureScreen } from '../sdk/consilium.js';
import { ConnectionState } from './banner.js';
import { ChatPanel } from './chat.js';
import { showDevices } from './devices.js';
import { confirmAction } from './dialog.js';
import { dress, find, icon } from './dom.js';
import { Grid } from './grid.js';
import { text } from './i18n.js';
import { copyLink, invitation } from './invite.js';
import { attachMenu, closeMenu } from './menu.js';
import { roomTitle } from './pages.js';
import { toast, toastError } from './toast.js';

/** @typedef {import('../sdk/consilium.js').Room} Room */
/** @typedef {import('../sdk/consilium.js').Client} Client */
/** @typedef {import('../sdk/consilium.js').TrackPublication} TrackPublication */
/** @typedef {import('./menu.js').MenuItem} MenuItem */
/** @typedef {import('./tile.js').Tile} Tile */

export class RoomView {
  #room;
  #chat;
  #grid;
  #state;
  #link;

  /** @param {Client} client @param {Room} room @param {string | null} link what others may join with */
  constructor(client, room, link) {
    this.#room = room;
    this.#link = link;
    this.#chat = new ChatPanel(room, find('control-chat'), () => this.#showControls());
    this.#grid = new Grid(room, (tile) => this.#tileItems(tile), invitation(link));
    this.#state = new ConnectionState(client, room);
    find('room-title').textContent = roomTitle(room.id);
    find('sounds').replaceChildren();
    this.#listen();
    this.#bindControls();
    for (const participant of room.remoteParticipants.values()) for (const p of participant.publications.values()) this.#playSound(p);
    this.#soundBlocked(!room.canPlaybackAudio);
    this.refresh();
  }

  /** The room is over. */
  close() {
    closeMenu();
    for (const dialog of document.querySelectorAll('dialog')) dialog.close();
    this.#grid.close();
    this.#chat.close();
    this.#state.close();
    find('sounds').replaceChildren();
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
    room.on('lockChanged', refresh);
    room.on('audioPlaybackChanged', (can) => this.#soundBlocked(!can));
    room.on('muteRequested', (_, by) => toast(text('toast.mutedBy', { name: by?.name ?? text('role.admin') }), 'microphone-off'));
    room.on('mediaDevicesError', toastError);
    room.localParticipant.on('publicationChanged', refresh);
  }

  /** @param {string} message */
  #announce(message) {
    if (!this.#room.left) find('announcer').textContent = message;
  }

  // ---- sound -------------------------------------------------------------------------------------------------------

  /** @param {TrackPublication} publication */
  #playSound(publication) {
    if (publication.kind === 'audio') find('sounds').append(publication.track.attach());
  }

  /** @param {boolean} blocked */
  #soundBlocked(blocked) {
    find('sound-blocked').hidden = !blocked;
    // Any click will do, not only the one on our button.
    document.onclick = blocked ? () => this.#room.startAudio() : null;
  }

  // ---- controls ----------------------------------------------------------------------------------------------------

  #bindControls() {
    const { localParticipant: local } = this.#room;
    this.#control('control-microphone', () => local.setMicrophoneEnabled(!local.isEnabled('microphone')));
    this.#control('control-camera', () => local.setCameraEnabled(!local.isEnabled('camera')));
    this.#control('control-screen', () => local.setScreenShareEnabled(!local.isEnabled('screen')));
    this.#control('control-hand', () => this.#room.raiseHand(!local.handRaised));
    this.#control('control-chat', async () => this.#chat.toggle());
    this.#control('control-leave', () => this.#room.leave());
    dress(find('sound-unblock'), 'sound', text('room.startSound'), true);
    find('sound-unblock').onclick = () => this.#room.startAudio();
    dress(find('room-menu'), 'more', text('menu.room'));
    attachMenu(find('room-menu'), () => this.#roomItems());
    find('room-menu').hidden = this.#roomItems().length === 0;
  }

  /** @param {string} id @param {() => Promise<unknown>} act */
  #control(id, act) {
    const button = find(id);
    button.onclick = async () => {
      if (button.getAttribute('aria-busy') === 'true') return;
      button.setAttribute('aria-busy', 'true'); // not `disabled`: that would take the focus away
      try {
        await act();
      } catch (error) {
        const { code } = /** @type {{code?: string}} */ (error);
        const changedMind = id === 'control-screen' && code === 'permission_denied'; // closed the chooser
        if (!changedMind && !this.#room.left) toastError(error);
      } finally {
        button.removeAttribute('aria-busy');
        this.#showControls();
      }
    };
  }

  #showControls() {
    const { localParticipant: local } = this.#room;
    const [microphone, camera, screen] = [local.isEnabled('microphone'), local.isEnabled('camera'), local.isEnabled('screen')];
    const { unread } = this.#chat;
    /** @type {[id: string, icon: string, words: string, state: string][]} */
    const buttons = [
      ['control-microphone', microphone ? 'microphone' : 'microphone-off', text(microphone ? 'controls.mute' : 'controls.unmute'), microphone ? 'on' : 'off'],
      ['control-camera', camera ? 'camera' : 'camera-off', text(camera ? 'controls.cameraOff' : 'controls.cameraOn'), camera ? 'on' : 'off'],
      ['control-screen', screen ? 'screen-off' : 'screen', text(screen ? 'controls.unshare' : 'controls.share'), screen ? 'active' : 'on'],
      ['control-hand', 'hand', text(local.handRaised ? 'controls.lowerHand' : 'controls.raiseHand'), local.handRaised ? 'active' : 'on'],
      ['control-chat', 'chat', unread > 0 ? text('controls.chatUnread', { count: unread }) : text('controls.chat'), this.#chat.open ? 'active' : 'on'],
      ['control-leave', 'leave', text('controls.leave'), 'on'],
    ];
    const sends = local.role !== 'observer';
    for (const [id, symbol, words, state] of buttons) {
      const button = find(id);
      dress(button, symbol, words, true);
      button.dataset.state = state;
      button.dataset.tip = words;
      button.hidden = id !== 'control-leave' && (!sends || (id === 'control-screen' && !canCaptureScreen()));
    }
    find('control-chat').dataset.unread = unread > 0 ? String(Math.min(unread, 99)) : '';
  }

  // ---- what may be done with the room and with others --------------------------------------------------------------

  get #governs() {
    return ['doctor', 'admin'].includes(this.#room.localParticipant.role);
  }

  /** @param {Promise<unknown>} done */
  #attempt(done) {
    done.catch(toastError);
  }

  /** @returns {MenuItem[]} */
  #roomItems() {
    const room = this.#room;
    const link = this.#link;
    /** @type {MenuItem[]} */
    const items = [];
    if (link) items.push({ icon: 'link', words: text('invite.copy'), action: 'invite', act: () => copyLink(link) });
    if (room.localParticipant.role !== 'observer') {
      items.push({ icon: 'settings', words: text('menu.devices'), action: 'devices', act: () => showDevices(room.localParticipant) });
    }
    if (!this.#governs) return items;
    items.push({
      icon: room.locked ? 'unlock' : 'lock', words: text(room.locked ? 'menu.unlock' : 'menu.lock'), action: 'lock',
      act: () => this.#attempt(room.setLocked(!room.locked)),
    });
    items.push({ icon: 'end', words: text('menu.endForAll'), action: 'end', danger: true, act: () => this.#endForAll() });
    return items;
  }

  async #endForAll() {
    const sure = await confirmAction({ title: text('dialog.endTitle'), words: text('dialog.endText'), action: text('menu.endForAll') });
    if (sure) this.#attempt(this.#room.closeForAll());
  }

  /** @param {Tile} tile @returns {MenuItem[]} */
  #tileItems({ participant, source }) {
    const remote = this.#room.remoteParticipants.get(participant.id);
    if (!this.#governs || !remote || source === 'screen') return [];
    /** @type {MenuItem[]} */
    const items = [];
    const microphone = remote.publication('microphone');
    if (microphone && !microphone.muted) {
      items.push({ icon: 'microphone-off', words: text('menu.mute'), action: 'mute', act: () => this.#attempt(this.#room.muteParticipant(remote)) });
    }
    items.push({ icon: 'remove', words: text('menu.remove'), action: 'remove', danger: true, act: () => this.#remove(remote) });
    return items;
  }

  /** @param {import('../sdk/consilium.js').RemoteParticipant} remote */
  async #remove(remote) {
    const { name } = remote;
    const sure = await confirmAction({ title: text('dialog.removeTitle', { name }), words: text('dialog.removeText'), action: text('menu.remove') });
    if (sure) this.#attempt(this.#room.kick(remote));
  }

  /** Brings tiles and controls in line with the room. */
  refresh() {
    const room = this.#room;
    if (room.left) return;
    this.#grid.refresh();
    find('people-count').textContent = text('room.people', { count: room.remoteParticipants.size + (room.localParticipant.role === 'observer' ? 0 : 1) });
    const locked = find('room-locked');
    locked.hidden = !room.locked;
    if (!locked.hasChildNodes()) locked.append(icon('lock'), text('room.locked'));
    this.#showControls();
  }
}
