// server/web/sdk/capture.js: cameras, microphones and screens: what is asked of the browser, and its refusals in our words.

import { ConsiliumError, deviceError } from './errors.js';

/** @typedef {'audioinput' | 'videoinput'} DeviceKind */

/** @type {Record<DeviceKind, MediaTrackConstraints>} */
const WISHES = {
  audioinput: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  videoinput: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } },
};
const SCREEN = { video: { frameRate: { ideal: 15, max: 30 } }, audio: true };

function devices() {
  if (!navigator.mediaDevices) throw new ConsiliumError('insecure_context', 'cameras and microphones need https or localhost');
  return navigator.mediaDevices;
}

/** @param {DeviceKind} kind @param {string} [deviceId] @returns {MediaTrackConstraints} */
function wanted(kind, deviceId) {
  return deviceId ? { ...WISHES[kind], deviceId: { exact: deviceId } } : WISHES[kind];
}

/**
 * Opens one device; the browser's default when the wanted one is gone.
 * @param {DeviceKind} kind @param {string} [deviceId]
 * @returns {Promise<MediaStreamTrack>}
 */
export async function captureDevice(kind, deviceId) {
  const field = kind === 'audioinput' ? 'audio' : 'video';
  try {
    const stream = await devices().getUserMedia({ [field]: wanted(kind, deviceId) });
    return stream.getTracks()[0];
  } catch (error) {
    const failure = deviceError(error);
    if (deviceId && failure.code === 'device_not_found') return captureDevice(kind);
    throw failure;
  }
}

/**
 * Opens the camera after this one, in the order of the device list; the same again when there is no other.
 * @param {string | undefined} deviceId
 */
export async function captureNextCamera(deviceId) {
  const cameras = (await devices().enumerateDevices()).filter((d) => d.kind === 'videoinput');
  const now = cameras.findIndex((d) => d.deviceId === deviceId);
  const next = cameras[(now + 1) % Math.max(1, cameras.length)];
  return captureDevice('videoinput', next?.deviceId || deviceId);
}

/**
 * Opens microphone and camera with one question to the user; when that fails, each for itself.
 * @param {{audioinput?: string, videoinput?: string}} ids
 * @returns {Promise<{audioinput: MediaStreamTrack | ConsiliumError, videoinput: MediaStreamTrack | ConsiliumError}>}
 */
export async function captureBoth(ids) {
  try {
    const stream = await devices().getUserMedia({
      audio: wanted('audioinput', ids.audioinput),
      video: wanted('videoinput', ids.videoinput),
    });
    return { audioinput: stream.getAudioTracks()[0], videoinput: stream.getVideoTracks()[0] };
  } catch (error) {
    const failure = deviceError(error);
    // Asked again after a "no", the user would be asked twice.
    if (['permission_denied', 'insecure_context'].includes(failure.code)) return { audioinput: failure, videoinput: failure };
    const [audioinput, videoinput] = await Promise.all([
      captureDevice('audioinput', ids.audioinput).catch(deviceError),
      captureDevice('videoinput', ids.videoinput).catch(deviceError),
    ]);
    return { audioinput, videoinput };
  }
}

/** Phones cannot share their screen. */
export function canCaptureScreen() {
  return typeof navigator.mediaDevices?.getDisplayMedia === 'function';
}

/** Lets the user choose a screen, window or tab. @returns {Promise<{video: MediaStreamTrack, audio?: MediaStreamTrack}>} */
export async function captureScreen() {
  devices();
  if (!canCaptureScreen()) throw new ConsiliumError('not_supported', 'this browser cannot share the screen');
  try {
    const stream = await navigator.mediaDevices.getDisplayMedia(SCREEN);
    const [video] = stream.getVideoTracks();
    const [audio] = stream.getAudioTracks();
    video.contentHint = 'detail'; // sharp letters rather than many pictures
    return { video, audio };
  } catch (error) {
    throw deviceError(error);
  }
}
