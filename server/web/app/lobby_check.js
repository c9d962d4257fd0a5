// server/web/app/lobby_check.js: the lobby's panel: own picture, microphone meter, speaker test, choice of devices, connection
// test, and what to do when the browser does not give the camera.

import { ConnectionPanel } from './connection_panel.js';
import { dress, icon, make } from './dom.js';
import { errorText, text } from './i18n.js';
import { LevelMeter } from './level_meter.js';
import { browserOf } from './permission_help.js';
import { preview } from './preview.js';
import { canChooseSpeaker, chime, chooseSpeaker, chosenSpeaker } from './sounds.js';
import { toastError } from './toast.js';

/** @typedef {import('./preview.js').Kind} Kind */

/** @param {string} iconName @param {string} words @param {string} [className] */
function button(iconName, words, className = '') {
  const element = make('button', className);
  element.type = 'button';
  dress(element, iconName, words, true);
  return element;
}

export class LobbyCheck {
  #video = make('video');
  #words = make('div', 'preview-words');
  #frame = make('div', 'preview', this.#video, this.#words);
  #meter = new LevelMeter();
  #selects = make('div', 'check-devices');
  #speaker = make('div', 'check-row');
  #said = make('p', 'hint check-said');
  #root = make('div', 'check-body', this.#frame, this.#meter.element, this.#selects, this.#speaker, this.#said);
  #connection;
  /** @type {() => void} */ #detach = () => {};
  #onChange = () => this.#show();

  /** @param {() => Promise<string>} token who may test the connection */
  constructor(token) {
    this.#connection = new ConnectionPanel(token);
    this.#root.append(this.#connection.element);
    this.#video.dataset.own = '';
    this.#video.setAttribute('aria-label', text('check.preview'));
    this.#said.setAttribute('role', 'status');
    this.#frame.dataset.state = 'idle';
    this.#speakerTest();
    preview.addEventListener('change', this.#onChange);
  }

  /** @param {HTMLElement} container shows the panel from now on */
  mount(container) {
    container.replaceChildren(this.#root);
    this.#detach();
    this.#detach = preview.attach(this.#video);
    this.#show();
  }

  /** Opens without a click where the browser will not ask. */
  async openIfAllowed() {
    const states = await Promise.all(['camera', 'microphone'].map((name) =>
      navigator.permissions?.query({ name: /** @type {PermissionName} */ (name) }).then((p) => p.state, () => 'prompt')));
    if (preview.state === 'idle' && states.every((s) => s === 'granted')) await preview.open();
    else this.#show();
  }

  /** Nothing here is used any more. */
  close() {
    this.#connection.stop();
    this.#meter.listen(null);
  }

  /** Another one takes its place. */
  dispose() {
    this.close();
    this.#detach();
    preview.removeEventListener('change', this.#onChange);
  }

  #show() {
    const { state } = preview;
    this.#frame.dataset.state = state;
    this.#meter.listen(preview.tracks.audioinput);
    this.#meter.element.hidden = !preview.tracks.audioinput;
    if (preview.tracks.videoinput) this.#words.replaceChildren();
    else this.#words.replaceChildren(...this.#explain());
    this.#words.hidden = preview.tracks.videoinput !== null;
    this.#listDevices().catch(toastError);
  }

  /** What stands in place of the picture. @returns {HTMLElement[]} */
  #explain() {
    const { state, errors, wanted } = preview;
    if (state === 'asking') return [make('p', 'lead', text('check.asking'))];
    const error = errors.videoinput ?? errors.audioinput;
    if (error && (wanted.videoinput || errors.audioinput)) return this.#trouble(error);
    if (!wanted.videoinput && state !== 'idle') return [make('p', 'lead', text('check.cameraOff'))];
    const open = button('camera', text('check.open'), 'primary');
    open.dataset.action = 'open-devices';
    open.onclick = () => preview.open();
    return [make('p', 'lead', text('check.lead')), open];
  }

  /** @param {import('../sdk/consilium.js').ConsiliumError} error @returns {HTMLElement[]} */
  #trouble(error) {
    const refused = error.code === 'permission_denied';
    const again = button('reconnect', text('check.again'));
    again.dataset.action = 'open-devices';
    again.onclick = () => preview.open();
    const title = make('h2', '', icon('warning'), text(refused ? 'check.refused' : 'check.failed'));
    const words = make('p', '', refused ? text(`help.${browserOf()}`) : errorText(error));
    const box = make('div', 'trouble', title, words, again);
    box.setAttribute('role', 'alert');
    box.dataset.error = error.code;
    return [box];
  }

  // ---- choosing ----------------------------------------------------------------------------------------------------

  async #listDevices() {
    const all = navigator.mediaDevices ? await navigator.mediaDevices.enumerateDevices() : [];
    // Without permission they have no names: nothing to choose from.
    const known = all.filter((d) => d.deviceId !== '' && d.label !== '');
    /** @type {[MediaDeviceKind, string][]} */
    const kinds = [['audioinput', 'devices.microphone'], ['videoinput', 'devices.camera'], ['audiooutput', 'check.speaker']];
    const signature = known.map((d) => d.kind + d.deviceId).join() + (preview.tracks.audioinput?.id ?? '') + (preview.tracks.videoinput?.id ?? '');
    if (this.#selects.dataset.devices === signature) return; // an open list is not pulled away
    this.#selects.dataset.devices = signature;
    this.#selects.replaceChildren();
    for (const [kind, key] of kinds) {
      const devices = known.filter((d) => d.kind === kind);
      if (devices.length > 0 && (kind !== 'audiooutput' || (canChooseSpeaker() && devices.length > 1))) this.#selects.append(this.#select(kind, text(key), devices));
    }
  }

  /** @param {MediaDeviceKind} kind @param {string} words @param {MediaDeviceInfo[]} devices */
  #select(kind, words, devices) {
    const select = make('select');
    select.name = kind;
    for (const device of devices) {
      const option = make('option', '', device.label);
      option.value = device.deviceId;
      select.append(option);
    }
    if (kind === 'audiooutput') select.value = chosenSpeaker() || select.value;
    else select.value = preview.tracks[kind]?.getSettings().deviceId ?? preview.devices[kind] ?? select.value;
    select.onchange = () => (kind === 'audiooutput' ? chooseSpeaker(select.value).catch(toastError) : preview.choose(kind, select.value));
    return make('label', '', make('span', '', words), select);
  }

  // ---- the speaker -------------------------------------------------------------------------------------------------

  #speakerTest() {
    const test = button('sound', text('check.playSound'));
    test.dataset.action = 'play-sound';
    const yes = button('check', text('check.heard'));
    const no = button('close', text('check.notHeard'));
    const question = make('div', 'check-question', make('span', '', text('check.didYouHear')), yes, no);
    question.hidden = true;
    test.onclick = async () => {
      this.#said.textContent = '';
      await chime();
      question.hidden = false;
    };
    const answer = (/** @type {string} */ words) => {
      question.hidden = true;
      this.#said.textContent = words;
      test.focus();
    };
    yes.onclick = () => answer(text('check.soundWorks'));
    no.onclick = () => answer(text('check.soundHelp'));
    this.#speaker.append(test, question);
  }
}
