// server/web/app/controls.js: the bar below the pictures: what each button does, says and looks like at the moment.

import { canCaptureScreen } from '../sdk/consilium.js';
import { dress, find } from './dom.js';
import { text } from './i18n.js';
import { toastError } from './toast.js';

/** @typedef {import('../sdk/consilium.js').Room} Room */
/** @typedef {{id: string, icon: string, words: string, state: 'on' | 'off' | 'active', hidden?: boolean}} Look */
/**
 * What the bar needs of the page around it.
 * @typedef {{room: Room, chat: import('./chat.js').ChatPanel, pointing: () => boolean, togglePointing: () => void, leave: () => unknown}} Surroundings
 */

export class Controls {
  /** More than one camera: a phone. */
  #cameras = 0;
  #around;
  #onDevices = () => this.#countCameras();

  /** @param {Surroundings} around */
  constructor(around) {
    this.#around = around;
    const { room, chat } = around;
    const { localParticipant: local } = room;
    this.#control('microphone', () => local.setMicrophoneEnabled(!local.isEnabled('microphone')));
    this.#control('camera', () => local.setCameraEnabled(!local.isEnabled('camera')));
    this.#control('screen', () => local.setScreenShareEnabled(!local.isEnabled('screen')));
    this.#control('swap', () => local.swapCamera());
    this.#control('hand', () => room.raiseHand(!local.handRaised));
    this.#control('pointer', async () => around.togglePointing());
    this.#control('chat', async () => chat.toggle());
    this.#control('leave', async () => around.leave());
    navigator.mediaDevices?.addEventListener('devicechange', this.#onDevices);
    this.#countCameras();
  }

  close() {
    navigator.mediaDevices?.removeEventListener('devicechange', this.#onDevices);
  }

  get canSwap() {
    return this.#cameras > 1 && this.#around.room.localParticipant.isEnabled('camera');
  }

  async #countCameras() {
    const devices = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
    this.#cameras = devices.filter((d) => d.kind === 'videoinput').length;
    if (!this.#around.room.left) this.show();
  }

  /** As if the button were pressed, unless it is not there. @param {string} name */
  press(name) {
    const button = find(`control-${name}`);
    if (button.hidden) return;
    button.click();
  }

  /** @param {string} name @param {() => Promise<unknown>} act */
  #control(name, act) {
    const button = find(`control-${name}`);
    button.onclick = async () => {
      if (button.getAttribute('aria-busy') === 'true') return;
      button.setAttribute('aria-busy', 'true'); // not `disabled`: that would take the focus away
      try {
        await act();
      } catch (error) {
        const { code } = /** @type {{code?: string}} */ (error);
        const changedMind = name === 'screen' && code === 'permission_denied'; // closed the chooser
        if (!changedMind && !this.#around.room.left) toastError(error);
      } finally {
        button.removeAttribute('aria-busy');
        this.show();
      }
    };
  }

  /** @returns {Look[]} */
  #looks() {
    const { room, chat } = this.#around;
    const { localParticipant: local } = room;
    const [microphone, camera, screen] = [local.isEnabled('microphone'), local.isEnabled('camera'), local.isEnabled('screen')];
    const pointing = this.#around.pointing();
    const sends = local.role !== 'observer';
    return [
      { id: 'microphone', icon: microphone ? 'microphone' : 'microphone-off', words: text(microphone ? 'controls.mute' : 'controls.unmute'), state: microphone ? 'on' : 'off', hidden: !sends },
      { id: 'camera', icon: camera ? 'camera' : 'camera-off', words: text(camera ? 'controls.cameraOff' : 'controls.cameraOn'), state: camera ? 'on' : 'off', hidden: !sends },
      { id: 'screen', icon: screen ? 'screen-off' : 'screen', words: text(screen ? 'controls.unshare' : 'controls.share'), state: screen ? 'active' : 'on', hidden: !sends || !canCaptureScreen() },
      // Where screens can be shared there is no second camera worth a place in the bar: own tile's menu has it.
      { id: 'swap', icon: 'swap', words: text('controls.swap'), state: 'on', hidden: !sends || canCaptureScreen() || !this.canSwap },
      { id: 'hand', icon: 'hand', words: text(local.handRaised ? 'controls.lowerHand' : 'controls.raiseHand'), state: local.handRaised ? 'active' : 'on', hidden: !sends },
      { id: 'pointer', icon: 'pointer', words: text(pointing ? 'controls.pointerOff' : 'controls.pointer'), state: pointing ? 'active' : 'on', hidden: !sends },
      { id: 'chat', icon: 'chat', words: chat.unread > 0 ? text('controls.chatUnread', { count: chat.unread }) : text('controls.chat'), state: chat.open ? 'active' : 'on', hidden: !sends },
      { id: 'leave', icon: 'leave', words: text('controls.leave'), state: 'on' },
    ];
  }

  /** Brings the bar in line with the room. */
  show() {
    for (const { id, icon, words, state, hidden = false } of this.#looks()) {
      const button = find(`control-${id}`);
      dress(button, icon, words, true);
      button.dataset.state = state;
      button.dataset.tip = words;
      button.hidden = hidden;
    }
    const { unread } = this.#around.chat;
    find('control-chat').dataset.unread = unread > 0 ? String(Math.min(unread, 99)) : '';
  }
}
