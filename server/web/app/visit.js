// server/web/app/visit.js: one client and what happens to it: joining, waiting to be let in, the room, being called, the end.

import { createClient } from '../sdk/consilium.js';
import { CallDialog } from './call_dialog.js';
import { text } from './i18n.js';
import { fetchToken, keep, kept, query } from './link.js';
import { isShown, roomTitle, show } from './pages.js';
import { preview } from './preview.js';
import { RoomView } from './room_view.js';
import { toast, toastError } from './toast.js';
import { WaitingView } from './waiting_view.js';

/** @typedef {import('../sdk/consilium.js').Room} Room */
/** @typedef {import('../sdk/consilium.js').IncomingCall} IncomingCall */
/** @typedef {import('./link.js').Who} Who */

/** @type {{topology: 'auto' | 'never'}} */
const JOIN = { topology: query.get('topology') === 'never' ? 'never' : 'auto' };
/** The end of a wait, by the error of join(). @type {Record<string, string>} */
const WAIT_ENDS = { wait_declined: 'declined', wait_timeout: 'waitTimeout', closed: 'closedWaiting' };

export class Visit {
  #inviteLink;
  #over;
  /** @type {WaitingView | null} */ #waiting = null;
  /** @type {CallDialog | null} */ #dialog = null;
  /** Shown to others in place of the token's name. */
  name = '';

  /**
   * @param {Who} who @param {(room: Room) => string | null} inviteLink what others may join with
   * @param {(reason: string, detail: string) => void} over the room, or the wait for it, is over
   */
  constructor(who, inviteLink, over) {
    this.#inviteLink = inviteLink;
    this.#over = over;
    this.client = createClient({ token: () => fetchToken(who), session: kept.session });
    /** @type {any} */ (window).consilium = this.client;
    for (const event of /** @type {const} */ (['connected', 'reconnected'])) this.client.on(event, () => keep({ session: this.client.session }));
    this.client.on('waiting', (state) => (this.#waiting ??= new WaitingView(this.client, state, () => this.client.room?.leave())));
    this.client.calls.on('ringing', (call) => this.#rings(call));
    this.client.calls.on('ended', (call, reason) => this.#rang(call.id, reason));
  }

  // ---- joining -----------------------------------------------------------------------------------------------------

  /** Joins and shows the room; what keeps us out at the first try is thrown. */
  async join() {
    await this.#enter(this.#joinRoom());
  }

  /**
   * The page was loaded anew during a call: on it goes, if anybody is still there.
   * @returns {Promise<boolean>}
   */
  async comeBack() {
    const { welcome } = this.client;
    const there = welcome?.resumed && welcome.room !== '' && (await this.client.checkRoom()).participants > 0;
    if (!there) {
      keep({ here: false });
      return false;
    }
    preview.wanted.audioinput = kept.microphone !== false;
    preview.wanted.videoinput = kept.camera !== false;
    await this.join();
    return true;
  }

  #joinRoom() {
    return this.client.join({ ...JOIN, ...(this.name && { name: this.name }) });
  }

  /** @param {Promise<Room>} joining */
  async #enter(joining) {
    let waited = false;
    const off = this.client.on('waiting', () => {
      waited = true;
      keep({ here: true, name: this.name });
    });
    try {
      this.enter(await joining);
    } catch (error) {
      const { code = '', message = '' } = /** @type {{code?: string, message?: string}} */ (error);
      if (code === 'moved') return; // a call was accepted: what it interrupts is not over for the user
      if (!waited) throw error;
      this.#end(WAIT_ENDS[code] ?? code, message);
    } finally {
      off();
      this.#stopWaiting();
    }
  }

  #stopWaiting() {
    this.#waiting?.close();
    this.#waiting = null;
  }

  /** @param {Room} room joined */
  enter(room) {
    this.#stopWaiting();
    show('room', text('room.pageTitle', { room: roomTitle(room.id) }));
    keep({ here: true, name: this.name });
    followDevices(room);
    const view = new RoomView(this.client, room, this.#inviteLink(room));
    room.on('disconnected', (reason, detail) => {
      view.close();
      if (reason === 'sentBack') this.#waitAgain(detail);
      else if (reason !== 'moved') this.#end(reason, detail);
    });
    const { name, role } = room.localParticipant;
    if (this.name && this.name !== name && role !== 'observer') room.setName(this.name).catch(toastError); // refused before: say why
    if (role !== 'observer') startDevices(room);
    else preview.close();
  }

  /** @param {string} reason the doctor's words */
  #waitAgain(reason) {
    const joining = this.#joinRoom();
    const off = this.client.on('waiting', () => {
      off();
      this.#waiting?.note(reason);
    });
    this.#enter(joining).catch((error) => this.#end('failed', error.message)).finally(off);
  }

  /** @param {string} reason @param {string} detail */
  #end(reason, detail) {
    keep({ here: false });
    preview.close();
    this.#over(reason, detail);
  }

  // ---- being called ------------------------------------------------------------------------------------------------

  /** @param {IncomingCall} call */
  #rings(call) {
    this.#dialog?.close();
    this.#dialog = new CallDialog(call, (video) => this.#accept(call, video));
    this.ringing?.(call);
  }

  /** For the page behind it. @type {((call: IncomingCall) => void) | undefined} */
  ringing;
  /** @type {((call: IncomingCall | undefined, reason: string) => void) | undefined} */
  rang;

  /** @param {string} id @param {string} reason */
  #rang(id, reason) {
    if (this.#dialog?.id !== id) return;
    const { call } = this.#dialog;
    if (reason !== 'answered') this.#dialog.close();
    if (reason === 'accepted_elsewhere') toast(text('called.elsewhere'), 'check');
    this.rang?.(call, reason);
    this.#dialog = reason === 'answered' ? this.#dialog : null;
  }

  /** @param {IncomingCall} call @param {boolean} video */
  async #accept(call, video) {
    const dialog = this.#dialog;
    try {
      const room = await call.accept({ video, ...JOIN });
      await preview.want('videoinput', video);
      this.enter(room);
    } catch (error) {
      const { code } = /** @type {{code?: string}} */ (error);
      if (code === 'call_not_found') toast(text('called.gone', { name: call.from.name }));
      else toastError(error);
      // What was interrupted for it does not go on.
      if (code !== 'call_not_found' && !isShown('home')) this.#end('failed', '');
    } finally {
      dialog?.close();
      if (this.#dialog === dialog) this.#dialog = null;
    }
  }
}

/** After a reload, what was off stays off. @param {Room} room */
function followDevices(room) {
  const { localParticipant: local } = room;
  local.on('publicationChanged', () => room.left || keep({ microphone: local.isEnabled('microphone'), camera: local.isEnabled('camera') }));
}

/** Sends what the user wants sent: the preview's devices, and what it has not opened. @param {Room} room */
async function startDevices(room) {
  const { localParticipant: local } = room;
  const { audioinput: microphone, videoinput: camera } = preview.wanted;
  const { devices } = preview;
  const opened = preview.take();
  try {
    if (devices.audioinput) await local.switchDevice('audioinput', devices.audioinput);
    if (devices.videoinput) await local.switchDevice('videoinput', devices.videoinput);
    if (microphone && camera && !opened.microphone && !opened.camera) {
      (await local.enableCameraAndMicrophone()).slice(0, 1).forEach(toastError);
      return;
    }
    /** @type {Promise<void>[]} */ const sending = [];
    if (opened.microphone && microphone) sending.push(local.publishTrack('microphone', opened.microphone));
    else if (microphone) sending.push(local.setMicrophoneEnabled(true));
    if (opened.camera && camera) sending.push(local.publishTrack('camera', opened.camera));
    else if (camera) sending.push(local.setCameraEnabled(true));
    for (const { status, reason } of /** @type {PromiseRejectedResult[]} */ (await Promise.allSettled(sending))) if (status === 'rejected') throw reason;
  } catch (error) {
    if (!room.left && /** @type {{code?: string}} */ (error).code !== 'closed') toastError(error);
  } finally {
    if (!microphone) opened.microphone?.stop();
    if (!camera) opened.camera?.stop();
  }
}
