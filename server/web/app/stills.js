// server/web/app/stills.js: clinical stills on the page: the doctor asks, the patient sees what will be sent and agrees each
// time, the doctor looks at it and saves it. Nothing is kept but what the doctor saves.

import { Stills, takePhoto } from '../sdk/consilium.js';
import { showDialog } from './dialog.js';
import { dress, find, icon, make } from './dom.js';
import { number, text } from './i18n.js';
import { governs } from './person_actions.js';
import { toast, toastError } from './toast.js';

/** @typedef {import('../sdk/consilium.js').Room} Room */
/** @typedef {import('../sdk/consilium.js').RemoteParticipant} RemoteParticipant */
/** @typedef {import('../sdk/consilium.js').StillRequest} StillRequest */
/** @typedef {import('../sdk/consilium.js').StillInfo} StillInfo */
/** @typedef {import('./menu.js').MenuItem} MenuItem */

export class StillsView {
  #room;
  #stills;
  #list = find('stills');

  /** @param {Room} room */
  constructor(room) {
    this.#room = room;
    this.#stills = new Stills(room);
    this.#stills.on('asked', (request) => this.#asked(request));
    this.#list.replaceChildren();
  }

  close() {
    this.#stills.close();
    this.#list.replaceChildren();
  }

  // ---- at the doctor's ---------------------------------------------------------------------------------------------

  /** @param {RemoteParticipant} remote @returns {MenuItem[]} */
  items(remote) {
    const camera = remote.publication('camera');
    if (!governs(this.#room) || !camera || camera.muted) return [];
    return [{ icon: 'photo', words: text('still.ask'), action: 'still', act: () => this.#ask(remote) }];
  }

  /** @param {RemoteParticipant} remote */
  #ask(remote) {
    try {
      const asked = this.#stills.ask(remote);
      const { name } = remote;
      const card = this.#card(text('still.asked', { name }), () => asked.cancel());
      asked.on('progress', (fraction) => card.progress(text('still.receiving', { name }), fraction));
      asked.on('received', (photo, info) => {
        card.done(text('still.received', { name }), photoButtons(photo, info, name, this.#room.id));
        showPhoto(photo, info, name, this.#room.id);
      });
      asked.on('ended', (reason) => {
        card.remove();
        if (reason !== 'cancelled') toast(text(`still.ended.${reason}`, { name }), 'photo');
      });
    } catch (error) {
      toastError(error);
    }
  }

  // ---- at the patient's --------------------------------------------------------------------------------------------

  /** @param {StillRequest} request */
  async #asked(request) {
    const camera = this.#room.localParticipant.publication('camera');
    if (!camera || camera.muted || !camera.track.mediaStreamTrack) {
      request.refuse('no_camera');
      return;
    }
    const { name } = request;
    const photo = await consent(camera.track, name, (close) => request.on('ended', close));
    if (request.over) return;
    if (!photo) {
      request.refuse('declined');
      return;
    }
    const card = this.#card(text('still.sending', { name }));
    request.on('progress', (fraction) => card.progress(text('still.sending', { name }), fraction));
    request.on('sent', () => {
      card.remove();
      toast(text('still.sent', { name }), 'check');
    });
    request.on('ended', (reason) => {
      card.remove();
      toast(text(`still.ended.${reason === 'cancelled' ? 'cancelled' : 'lost'}`, { name }), 'photo');
    });
    await request.send(photo).catch((error) => {
      request.refuse('failed');
      toastError(error);
    });
  }

  // ---- how far it is -----------------------------------------------------------------------------------------------

  /** @param {string} words @param {() => void} [cancel] */
  #card(words, cancel) {
    const status = make('p', '', words);
    const bar = make('progress');
    bar.max = 1;
    bar.setAttribute('aria-label', words);
    const buttons = make('div', 'still-buttons');
    if (cancel) buttons.append(button('dialog.cancel', 'cancel', cancel));
    const card = make('section', 'still-card', icon('photo'), make('div', 'still-words', status, bar), buttons);
    this.#list.append(card);
    find('announcer').textContent = words;
    return {
      remove: () => card.remove(),
      progress: (/** @type {string} */ now, /** @type {number} */ fraction) => {
        if (status.textContent !== now) status.textContent = now;
        bar.value = fraction;
      },
      done: (/** @type {string} */ now, /** @type {HTMLElement[]} */ more) => {
        status.textContent = now;
        bar.remove();
        buttons.replaceChildren(...more, button('still.forget', 'forget', () => card.remove()));
        find('announcer').textContent = now;
      },
    };
  }
}

/** @param {string} key @param {string} action @param {() => unknown} act @param {string} [className] */
function button(key, action, act, className = '') {
  const element = make('button', className, text(key));
  element.type = 'button';
  element.dataset.action = action;
  element.onclick = () => act();
  return element;
}

/** @param {Blob} photo @returns {Promise<HTMLCanvasElement>} not an <img>: the page may load pictures of its own server only */
async function canvasOf(photo) {
  const bitmap = await createImageBitmap(photo);
  const canvas = make('canvas', 'still-picture');
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  canvas.getContext('2d')?.drawImage(bitmap, 0, 0);
  bitmap.close();
  canvas.setAttribute('role', 'img');
  return canvas;
}

/**
 * Asks: shows the camera, takes the picture, shows it, and has it sent only when the user says so.
 * @param {import('../sdk/consilium.js').Track} track @param {string} name who asks
 * @param {(close: () => void) => void} whenGone the asking one does not want it any more
 * @returns {Promise<Blob | null>}
 */
function consent(track, name, whenGone) {
  const video = /** @type {HTMLVideoElement} */ (make('video', 'still-picture'));
  video.dataset.own = 'still';
  const stage = make('div', 'still-stage', video);
  track.attach(video);
  /** @type {Blob | null} */ let photo = null;
  return new Promise((resolve) => {
    const no = button('still.refuse', 'refuse', () => dialog.close());
    const take = button('still.take', 'take', shoot, 'primary');
    const again = button('still.again', 'again', () => show(null));
    const send = button('still.send', 'send', () => dialog.close('send'), 'primary');
    const status = make('p', 'lead', text('still.question', { name }));
    const dialog = showDialog({
      title: text('still.title', { name }), body: [status, stage], buttons: [no, take, again, send], className: 'wide still-dialog',
      closed: (value) => {
        track.detach(video);
        resolve(value === 'send' ? photo : null);
      },
    });
    whenGone(() => dialog.close());

    /** @param {HTMLCanvasElement | null} canvas */
    function show(canvas) {
      if (!canvas) photo = null;
      stage.replaceChildren(canvas ?? video);
      if (!canvas) video.play().catch(() => {});
      canvas?.setAttribute('aria-label', text('still.preview'));
      status.textContent = text(canvas ? 'still.look' : 'still.question', { name });
      take.hidden = canvas !== null;
      again.hidden = send.hidden = canvas === null;
      (canvas ? send : take).focus();
    }
    async function shoot() {
      const media = track.mediaStreamTrack;
      if (!media || take.getAttribute('aria-busy') === 'true') return;
      take.setAttribute('aria-busy', 'true');
      try {
        photo = await takePhoto(media);
        show(await canvasOf(photo));
      } catch (error) {
        toastError(error);
      }
      take.removeAttribute('aria-busy');
    }
    show(null);
  });
}

/** @param {Blob} photo @param {StillInfo} info @param {string} name @param {string} room */
function photoButtons(photo, info, name, room) {
  return [
    button('still.view', 'view', () => showPhoto(photo, info, name, room)),
    button('still.save', 'save', () => save(photo, info, room)),
  ];
}

/** @param {Blob} photo @param {StillInfo} info @param {string} name @param {string} room */
async function showPhoto(photo, info, name, room) {
  try {
    const canvas = await canvasOf(photo);
    canvas.setAttribute('aria-label', text('still.received', { name }));
    const facts = text('still.facts', { width: String(canvas.width), height: String(canvas.height), size: number(info.bytes / 1024, { maximumFractionDigits: 0 }) });
    const saveButton = button('still.save', 'save', () => save(photo, info, room), 'primary');
    dress(saveButton, 'save', text('still.save'), true);
    const dialog = showDialog({
      title: text('still.received', { name }), className: 'wide still-dialog',
      body: [make('div', 'still-stage', canvas), make('p', 'hint', facts), make('p', 'hint hash', text('still.hash', { hash: info.sha256 }))],
      buttons: [button('dialog.close', 'close-dialog', () => dialog.close()), saveButton],
    });
  } catch (error) {
    toastError(error); // the bytes are what was sent, but no picture
  }
}

/** @param {Blob} photo @param {StillInfo} info @param {string} room */
function save(photo, info, room) {
  const link = make('a');
  const day = new Date(info.takenAt).toISOString().slice(0, 19).replaceAll(':', '-');
  link.href = URL.createObjectURL(photo);
  link.download = `still_${room.replaceAll(/[^\w-]/g, '_')}_${day}_${info.sha256.slice(0, 8)}.${info.type.split('/')[1].replace('jpeg', 'jpg')}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // the browser may ask where to first
}
