// server/web/app/devices.js: which camera and microphone to use, in a dialog.

import { make } from './dom.js';
import { text } from './i18n.js';
import { toastError } from './toast.js';

/** @typedef {import('../sdk/consilium.js').LocalParticipant} LocalParticipant */
/** @typedef {'audioinput' | 'videoinput'} Kind */

/** @param {LocalParticipant} local */
export async function showDevices(local) {
  const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
  const heading = make('h2', '', text('devices.title'));
  heading.id = 'devices-title';
  const done = make('button', 'primary', text('devices.done'));
  done.type = 'button';
  const dialog = make('dialog', 'dialog', heading,
    choice('devices.microphone', 'audioinput', devices, local, 'microphone'),
    choice('devices.camera', 'videoinput', devices, local, 'camera'),
    make('div', 'dialog-buttons', done));
  dialog.setAttribute('aria-labelledby', heading.id);
  document.body.append(dialog);
  done.onclick = () => dialog.close();
  dialog.onclose = () => dialog.remove();
  dialog.showModal();
}

/**
 * @param {string} key @param {Kind} kind @param {MediaDeviceInfo[]} devices @param {LocalParticipant} local
 * @param {'microphone' | 'camera'} source
 */
function choice(key, kind, devices, local, source) {
  const select = make('select');
  select.name = kind;
  const now = local.publication(source)?.track.mediaStreamTrack?.getSettings().deviceId;
  for (const [i, device] of devices.filter((d) => d.kind === kind).entries()) {
    const option = make('option', '', device.label || text('devices.unnamed', { number: i + 1 }));
    option.value = device.deviceId;
    option.selected = device.deviceId === now;
    select.append(option);
  }
  select.disabled = select.options.length === 0;
  select.onchange = () => local.switchDevice(kind, select.value).catch(toastError);
  return make('label', '', make('span', '', text(key)), select);
}
