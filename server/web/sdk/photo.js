// server/web/sdk/photo.js: a picture from a camera that is on, as fine as the camera can: what the video shows is smaller.

import { ConsiliumError } from './errors.js';
import { MOST_STILL_BYTES } from './still_wire.js';

const FINEST = { width: { ideal: 4096 }, height: { ideal: 3072 } };
const QUALITY = 0.95;

/** @param {MediaStreamTrack} track @returns {Promise<Blob>} JPEG, as a rule */
export async function takePhoto(track) {
  if (track.readyState !== 'live') throw new ConsiliumError('device_lost');
  const photo = (await fromSensor(track)) ?? (await fromVideo(track));
  if (photo.size <= MOST_STILL_BYTES && ['image/jpeg', 'image/png'].includes(photo.type)) return photo;
  return shrink(photo);
}

/** With the camera's full sensor, where the browser can (not Firefox, not every camera). @param {MediaStreamTrack} track @returns {Promise<Blob | null>} */
async function fromSensor(track) {
  const Capture = /** @type {any} */ (globalThis).ImageCapture;
  if (typeof Capture?.prototype?.takePhoto !== 'function') return null;
  try {
    const capture = new Capture(track);
    const { imageWidth, imageHeight } = await capture.getPhotoCapabilities().catch(() => ({}));
    return await capture.takePhoto(imageWidth?.max && imageHeight?.max ? { imageWidth: imageWidth.max, imageHeight: imageHeight.max } : {});
  } catch (error) {
    console.debug('takePhoto:', error); // the video shows the same, smaller
    return null;
  }
}

/** A frame of the video, asked of the camera as large as it has them; what is sent to the others stays as it is. @param {MediaStreamTrack} track */
async function fromVideo(track) {
  const fine = track.clone();
  try {
    await fine.applyConstraints(FINEST).catch(() => {});
    const video = document.createElement('video');
    video.muted = true;
    video.playsInline = true;
    video.srcObject = new MediaStream([fine]);
    await video.play();
    if (video.requestVideoFrameCallback) await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
    return await draw(video, video.videoWidth, video.videoHeight);
  } finally {
    fine.stop();
  }
}

/** @param {Blob} photo */
async function shrink(photo) {
  const bitmap = await createImageBitmap(photo);
  const scale = photo.size > MOST_STILL_BYTES ? 0.5 : 1;
  try {
    return await draw(bitmap, Math.round(bitmap.width * scale), Math.round(bitmap.height * scale));
  } finally {
    bitmap.close();
  }
}

/** @param {CanvasImageSource} source @param {number} width @param {number} height @returns {Promise<Blob>} */
function draw(source, width, height) {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  canvas.getContext('2d')?.drawImage(source, 0, 0, width, height);
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new ConsiliumError('device_failed'))), 'image/jpeg', QUALITY));
}
