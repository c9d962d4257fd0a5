// server/web/app/room_view.js: the call itself on the page: puts its parts together and tells them when the room changes.

import { ConnectionState } from './banner.js';
import { CallTimer, ServerClock } from './call_timer.js';
import { ChatPanel } from './chat.js';
import { Controls } from './controls.js';
import { showDevices } from './devices.js';
import { dress, find, icon } from './dom.js';
import { Grid } from './grid.js';
import { onLanguage, text } from './i18n.js';
import { invitation } from './invite.js';
import { canInvite, showInvite } from './invite_dialog.js';
import { attachMenu, closeMenu } from './menu.js';
import { roomTitle } from './pages.js';
import { PeoplePanel } from './people.js';
import { governItems, governs, personItems } from './person_actions.js';
import { Pointers } from './pointers.js';
import { remember, remembered } from './preferences.js';
import { fullScreenItem, tileScreenItems, toggleFullScreen } from './screen_tools.js';
import { Shortcuts } from './shortcuts.js';
import { StillsView } from './stills.js';
import { toast, toastError } from './toast.js';

/** @typedef {import('../sdk/consilium.js').Room} Room */
/** @typedef {import('../sdk/consilium.js').Client} Client */
/** @typedef {import('../sdk/consilium.js').TrackPublication} TrackPublication */
/** @typedef {import('./menu.js').MenuItem} MenuItem */
/** @typedef {import('./tile.js').Tile} Tile */

export class RoomView {
  #client;
  #room;
  #chat;
  #people;
  #grid;
  #pointers;
  #stills;
  #controls;
  #state;
  #timer;
  #shortcuts;
  #link;
  #offLanguage;
  /** Whose hand is up. */
  #hands;

  /** @param {Client} client @param {Room} room @param {string | null} link what others may join with */
  constructor(client, room, link) {
    this.#client = client;
    this.#room = room;
    this.#link = link;
    this.#hands = new Set([...room.remoteParticipants.values()].filter((p) => p.handRaised).map((p) => p.id));
    const clock = new ServerClock(room);
    this.#chat = new ChatPanel(room, find('control-chat'), () => this.#chatChanged());
    this.#grid = new Grid(room, (tile) => this.#tileItems(tile), invitation(link), remembered('view') === 'speaker' ? 'speaker' : 'grid');
    this.#pointers = new Pointers(room, this.#grid, () => this.#controls.show());
    this.#stills = new StillsView(room);
    this.#people = new PeoplePanel(room, clock, {
      invite: canInvite(room, link) ? () => this.#invite() : null,
      opened: () => this.#chat.toggle(false, false),
      items: (remote) => [{ icon: 'pin', words: text('menu.pin'), action: 'pin', act: () => this.#grid.pinPerson(remote) }, ...this.#stills.items(remote)],
    });
    this.#state = new ConnectionState(client, room);
    this.#timer = new CallTimer(clock);
    this.#controls = new Controls({
      room, chat: this.#chat, pointing: () => this.#pointers.pointing, togglePointing: () => this.#pointers.toggle(), leave: () => this.#room.leave(),
    });
    this.#shortcuts = this.#makeShortcuts();
    find('sounds').replaceChildren();
    this.#listen();
    this.#offLanguage = onLanguage(() => this.#showTexts());
    find('room-view').onclick = () => this.#switchView();
    attachMenu(find('room-menu'), () => this.#roomItems());
    find('sound-unblock').onclick = () => this.#room.startAudio();
    for (const participant of room.remoteParticipants.values()) for (const p of participant.publications.values()) this.#playSound(p);
    this.#soundBlocked(!room.canPlaybackAudio);
    this.#showTexts();
  }

  /** The room is over. */
  close() {
    closeMenu();
    for (const dialog of document.querySelectorAll('dialog')) dialog.close();
    if (document.fullscreenElement) document.exitFullscreen();
    this.#offLanguage();
    for (const part of [this.#shortcuts, this.#pointers, this.#stills, this.#controls, this.#timer, this.#grid, this.#people, this.#chat, this.#state]) part.close();
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
    room.on('participantUpdated', (p) => {
      this.#tellHand(p);
      refresh();
    });
    room.on('trackPublished', (publication, p) => {
      this.#playSound(publication);
      if (publication.source === 'screen') this.#announce(text('tile.screen', { name: p.name }));
      refresh();
    });
    room.on('trackUnpublished', (publication) => {
      for (const element of [...publication.track.elements]) if (element instanceof HTMLAudioElement) element.remove();
      publication.track.detach();
      refresh();
    });
    room.on('lockChanged', (locked) => {
      this.#announce(text(locked ? 'room.nowLocked' : 'room.nowOpen'));
      refresh();
    });
    for (const event of /** @type {const} */ (['trackMuted', 'trackUnmuted', 'activeSpeakersChanged', 'connectionQualityChanged', 'participantQualityChanged'])) room.on(event, refresh);
    room.on('audioPlaybackChanged', (can) => this.#soundBlocked(!can));
    room.on('muteRequested', (_, by) => toast(text('toast.mutedBy', { name: by?.name ?? text('role.admin') }), 'microphone-off'));
    room.on('mediaDevicesError', toastError);
    room.localParticipant.on('publicationChanged', refresh);
  }

  /** Somebody wants to speak: who leads the consultation sees it wherever they look. @param {import('./tile.js').Participant} p */
  #tellHand(p) {
    const raised = p.handRaised && !this.#hands.has(p.id);
    if (p.handRaised) this.#hands.add(p.id);
    else this.#hands.delete(p.id);
    if (!raised || p === this.#room.localParticipant) return;
    const words = text('room.handRaised', { name: p.name });
    if (governs(this.#room)) toast(words, 'hand');
    else this.#announce(words);
  }

  /** @param {string} message */
  #announce(message) {
    if (!this.#room.left) find('announcer').textContent = message;
  }

  // ---- sound -------------------------------------------------------------------------------------------------------

  /** @param {TrackPublication} publication */
  #playSound(publication) {
    if (publication.kind !== 'audio') return;
    find('sounds').append(publication.track.attach()); // sounds.js puts it on the speaker of the user's choice
  }

  /** @param {boolean} blocked */
  #soundBlocked(blocked) {
    find('sound-blocked').hidden = !blocked;
    // Any click will do, not only the one on our button.
    document.onclick = blocked ? () => this.#room.startAudio() : null;
  }

  // ---- what the user may do ----------------------------------------------------------------------------------------

  #chatChanged() {
    if (this.#chat.open) this.#people.toggle(false, false); // one at a time beside the pictures
    this.#controls.show();
  }

  #switchView() {
    this.#grid.view = this.#grid.view === 'grid' ? 'speaker' : 'grid';
    remember('view', this.#grid.view);
    this.refresh();
    this.#announce(text(this.#grid.view === 'grid' ? 'view.isGrid' : 'view.isSpeaker'));
  }

  #invite() {
    showInvite(this.#client, this.#room, this.#link);
  }

  #makeShortcuts() {
    const press = (/** @type {string} */ name) => () => this.#controls.press(name);
    return new Shortcuts([
      { key: 'M', words: 'shortcuts.microphone', act: press('microphone') },
      { key: 'V', words: 'shortcuts.camera', act: press('camera') },
      { key: 'S', words: 'shortcuts.screen', act: press('screen') },
      { key: 'C', words: 'shortcuts.chat', act: press('chat') },
      { key: 'P', words: 'shortcuts.people', act: () => this.#people.toggle() },
      { key: 'H', words: 'shortcuts.hand', act: press('hand') },
      { key: 'L', words: 'shortcuts.pointer', act: press('pointer') },
      { key: 'G', words: 'shortcuts.view', act: () => this.#switchView() },
      { key: 'F', words: 'shortcuts.full', act: toggleFullScreen },
    ]);
  }

  /** @returns {MenuItem[]} */
  #roomItems() {
    const room = this.#room;
    const sends = room.localParticipant.role !== 'observer';
    /** @type {MenuItem[]} */
    const items = [];
    if (canInvite(room, this.#link)) items.push({ icon: 'invite', words: text('invite.title'), action: 'invite', act: () => this.#invite() });
    if (sends) {
      const pointing = this.#pointers.pointing;
      items.push({ icon: 'pointer', words: text(pointing ? 'controls.pointerOff' : 'controls.pointer'), action: 'pointer', act: () => this.#pointers.toggle() });
    }
    items.push(...fullScreenItem());
    items.push({ icon: 'settings', words: text('menu.devices'), action: 'devices', act: () => showDevices(room.localParticipant) });
    items.push({ icon: 'keyboard', words: text('shortcuts.title'), action: 'shortcuts', act: () => this.#shortcuts.help() });
    return [...items, ...governItems(room)];
  }

  /** @param {Tile} tile @returns {MenuItem[]} */
  #tileItems(tile) {
    const { participant, source, own } = tile;
    const items = tileScreenItems(tile);
    if (own && this.#controls.canSwap) {
      items.push({ icon: 'swap', words: text('controls.swap'), action: 'swap', act: () => this.#room.localParticipant.swapCamera().catch(toastError) });
    }
    const remote = this.#room.remoteParticipants.get(participant.id);
    if (remote && source === 'camera') items.push(...this.#stills.items(remote), ...personItems(this.#room, remote));
    if (own) items.push({ icon: 'settings', words: text('menu.devices'), action: 'devices', act: () => showDevices(this.#room.localParticipant) });
    return items;
  }

  /** What is not renewed with every change of the room: at the start, and in another language. */
  #showTexts() {
    const title = roomTitle(this.#room.id);
    find('room-title').textContent = title;
    find('room-title').title = title;
    document.title = text('room.pageTitle', { room: title });
    dress(find('sound-unblock'), 'sound', text('room.startSound'), true);
    dress(find('room-menu'), 'more', text('menu.room'));
    find('room-locked').replaceChildren(icon('lock'), text('room.locked'));
    this.#chat.showTexts();
    this.#state.showTexts();
    this.refresh();
  }

  /** Brings tiles and controls in line with the room. */
  refresh() {
    const room = this.#room;
    if (room.left) return;
    this.#grid.refresh();
    this.#people.refresh();
    this.#timer.follow(room);
    const speaker = this.#grid.view === 'speaker';
    dress(find('room-view'), speaker ? 'grid' : 'speaker', text(speaker ? 'view.grid' : 'view.speaker'));
    find('room-view').hidden = room.remoteParticipants.size < 2; // of two, the other is large anyhow
    find('room-locked').hidden = !room.locked;
    this.#controls.show();
  }
}
