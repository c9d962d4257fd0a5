// server/web/app/devices.js: the settings of the call in a dialog: which camera, microphone and loudspeaker, which language.

import { showDialog } from './dialog.js';
import { make } from './dom.js';
import { chooseLanguage, LANGUAGES, text } from './i18n.js';
import { canChooseSpeaker, chooseSpeaker, chosenSpeaker } from './sounds.js';
import { toastError } from './toast.js';

/** @typedef {import('../sdk/consilium.js').LocalParticipant} LocalParticipant */
/** @typedef {{value: string, words: string}} Choice */

/** @param {LocalParticipant} local */
export async function showDevices(local) {
  const devices = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
  /** @param {MediaDeviceKind} kind */
  const choices = (kind) => devices.filter((d) => d.kind === kind).map((d, i) => ({ value: d.deviceId, words: d.label || text('devices.unnamed', { number: i + 1 }) }));
  const now = (/** @type {'microphone' | 'camera'} */ source) => local.publication(source)?.track.mediaStreamTrack?.getSettings().deviceId;
  /** @type {Node[]} */
  const fields = [];
  if (local.role !== 'observer') {
    fields.push(
      select('devices.microphone', 'audioinput', choices('audioinput'), now('microphone'), (id) => local.switchDevice('audioinput', id)),
      select('devices.camera', 'videoinput', choices('videoinput'), now('camera'), (id) => local.switchDevice('videoinput', id)),
    );
  }
  const outputs = choices('audiooutput');
  if (outputs.length > 0 && canChooseSpeaker()) fields.push(select('devices.speaker', 'audiooutput', outputs, chosenSpeaker() || 'default', chooseSpeaker));
  const languages = LANGUAGES.map((value) => ({ value, words: text(`language.${value}`) }));
  const dialog = showDialog({
    title: text('devices.title'),
    body: [...fields, select('devices.language', 'language', languages, document.documentElement.lang, async (language) => {
      await chooseLanguage(language);
      dialog.close(); // its words are those of the other language
    })],
  });
}

/**
 * @param {string} key @param {string} name @param {Choice[]} choices @param {string | undefined} now @param {(value: string) => Promise<unknown>} choose
 */
function select(key, name, choices, now, choose) {
  const element = make('select');
  element.name = name;
  for (const { value, words } of choices) {
    const option = make('option', '', words);
    option.value = value;
    option.selected = value === now;
    element.append(option);
  }
  element.disabled = choices.length === 0;
  element.onchange = () => choose(element.value).catch(toastError);
  return make('label', '', make('span', '', text(key)), element);
}
