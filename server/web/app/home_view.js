// server/web/app/home_view.js: the lobby of who has no room: ready to be called, and to call others.

import { askToNotify, mayAskToNotify } from './attention.js';
import { callError } from './call_errors.js';
import { CallView } from './call_view.js';
import { dress, field, find, hueOf, icon, initials, make } from './dom.js';
import { errorText, onLanguage, text, timeOfDay } from './i18n.js';
import { contacts } from './link.js';
import { isShown, show } from './pages.js';
import { preview } from './preview.js';
import { toast } from './toast.js';

/** @typedef {import('./visit.js').Visit} Visit */
/** @typedef {import('./link.js').Contact} Contact */
/** @typedef {import('../sdk/consilium.js').OutgoingCall} OutgoingCall */

const MISSED_SHOWN = 5;

/** @typedef {{name: string, at: number}} Missed */

export class HomeView {
  #visit;
  #check;
  #mayCall;
  /** @type {Contact[]} */ #people;
  /** @type {Missed[]} newest first */ #missed = [];

  /**
   * @param {Visit} visit @param {() => import('./lobby_check.js').LobbyCheck} makeCheck
   * @param {() => Contact[]} others whom one may call, beside those of the link
   */
  constructor(visit, makeCheck, others) {
    this.#visit = visit;
    this.#check = makeCheck();
    this.#people = [...contacts(), ...others()];
    this.#mayCall = true;
    visit.rang = (call, reason) => call && this.#rang(call, reason);
    visit.client.on('reconnecting', () => this.#state('reconnecting'));
    visit.client.on('reconnected', () => this.#state('online'));
    visit.client.on('disconnected', () => this.#state('offline'));
    this.#bind();
    onLanguage(() => {
      this.#check.dispose();
      this.#check = makeCheck();
      this.#people = [...contacts(), ...others()];
      this.#texts();
      find('home-missed').replaceChildren(...this.#missed.map(missedLine));
      if (visit.client.welcome) this.#whoAmI();
      this.#state(/** @type {any} */ (find('home-state').dataset.state));
      if (isShown('home')) this.show();
    });
  }

  /** Connects and shows the page. */
  async open() {
    this.show();
    this.#state('connecting');
    try {
      await this.#visit.client.connect();
    } catch (error) {
      this.#state('offline');
      const trouble = find('home-error');
      trouble.hidden = false;
      trouble.textContent = errorText(error);
      return;
    }
    this.#state('online');
    this.#whoAmI();
  }

  show() {
    this.#check.mount(find('home-check'));
    show('home', text('home.pageTitle'));
    this.#check.openIfAllowed();
  }

  #whoAmI() {
    const { name, role, identity } = /** @type {import('../sdk/consilium.js').Welcome} */ (this.#visit.client.welcome);
    find('home-lead').textContent = text('home.lead', { name, role: text(`role.${role}`) });
    this.#people = this.#people.filter((p) => p.identity !== identity);
    const hosts = role === 'doctor' || role === 'admin';
    find('home-dial').hidden = !hosts;
    find('home-people').replaceChildren(...this.#people.map((p) => this.#card(p)));
    find('home-call').hidden = !hosts && this.#people.length === 0;
  }

  /** @param {'connecting' | 'online' | 'reconnecting' | 'offline'} state */
  #state(state) {
    const element = find('home-state');
    element.dataset.state = state;
    element.replaceChildren(icon(state === 'online' ? 'check' : state === 'offline' ? 'warning' : 'reconnect'), text(`home.state.${state}`));
    for (const button of find('home-call').querySelectorAll('button')) button.disabled = state !== 'online';
  }

  #texts() {
    dress(find('home-dial-button'), 'call', text('home.dialButton'), true);
    dress(find('home-notify'), 'bell', text('home.notify'), true);
  }

  #bind() {
    this.#texts();
    /** @type {HTMLFormElement} */ (find('home-dial')).onsubmit = (event) => {
      event.preventDefault();
      const identity = field('home-identity').value.trim();
      if (identity) this.#call([this.#people.find((p) => p.identity === identity) ?? { identity, name: identity }]);
    };
    const ask = find('home-notify');
    ask.hidden = !mayAskToNotify();
    ask.onclick = async () => {
      toast(text((await askToNotify()) ? 'home.notifyOn' : 'home.notifyOff'), 'bell');
      ask.hidden = true;
      find('home-title').focus();
    };
  }

  /** @param {Contact} person */
  #card(person) {
    const face = make('span', 'face', initials(person.name));
    face.dataset.hue = hueOf(person.identity);
    face.setAttribute('aria-hidden', 'true');
    const video = make('button', 'primary');
    const voice = make('button', 'icon-button');
    video.type = voice.type = 'button';
    video.dataset.call = person.identity;
    voice.dataset.callAudio = person.identity;
    dress(video, 'camera', text('home.call'), true);
    video.setAttribute('aria-label', text('home.callWho', { name: person.name }));
    dress(voice, 'call', text('home.callAudio', { name: person.name }));
    video.onclick = () => this.#call([person]);
    voice.onclick = () => this.#call([person], false);
    return make('li', 'contact', face, make('span', 'callee-name', person.name), voice, video);
  }

  /** @param {import('../sdk/consilium.js').IncomingCall} call @param {string} reason */
  #rang({ from }, reason) {
    if (!['cancelled', 'timed_out', 'caller_gone'].includes(reason)) return;
    this.#missed.unshift({ name: from.name, at: Date.now() });
    this.#missed.splice(MISSED_SHOWN);
    const list = find('home-missed');
    list.hidden = false;
    list.prepend(missedLine(this.#missed[0]));
    while (list.children.length > MISSED_SHOWN) list.lastElementChild?.remove();
  }

  // ---- calling -----------------------------------------------------------------------------------------------------

  /** @param {Contact[]} people @param {boolean} [video] */
  async #call(people, video = true) {
    if (!this.#mayCall) return;
    this.#mayCall = false;
    const { client } = this.#visit;
    let cancelled = false;
    /** @type {OutgoingCall | undefined} */ let call;
    const view = new CallView(people, video, () => {
      cancelled = true;
      call?.cancel().catch(() => {});
    });
    try {
      call = await client.calls.invite({ identities: people.map((p) => p.identity), video });
      if (cancelled) call.cancel().catch(() => {});
      const joining = client.join();
      const reason = await this.#answer(call, view, joining);
      if (reason === 'answered') {
        const room = await joining;
        view.close();
        this.#mayCall = true;
        this.#visit.enter(room);
        return;
      }
      await client.room?.leave();
      if (!cancelled) {
        this.#mayCall = true;
        view.ended(reason, () => (view.close(), this.#call(people, video)), () => (view.close(), this.show()));
        return;
      }
    } catch (error) {
      toast(callError(error));
      call?.cancel().catch(() => {});
      await client.room?.leave();
    }
    view.close();
    this.#mayCall = true;
    this.show();
  }

  /**
   * Until somebody comes (`answered`), or nobody will.
   * @param {OutgoingCall} call @param {CallView} view @param {Promise<unknown>} joining a room that lets us not in ends it, too
   * @returns {Promise<string>}
   */
  #answer(call, view, joining) {
    const { calls } = this.#visit.client;
    /** @type {(() => void)[]} */ const offs = [];
    view.update(call);
    return new Promise((/** @type {(reason: string) => void} */ resolve, reject) => {
      offs.push(
        calls.on('outgoing', (c) => c.id === call.id && view.update(c)),
        calls.on('declined', (c, { identity, reason }) => c.id === call.id && (view.declined(identity, reason ?? ''), view.update(c))),
        calls.on('accepted', (c) => c.id === call.id && resolve('answered')),
        calls.on('ended', (c, reason) => c.id === call.id && (view.update(/** @type {OutgoingCall} */ (c)), resolve(reason))),
      );
      if (call.endReason) resolve(call.endReason);
      joining.catch((error) => !call.endReason && reject(error));
    }).finally(() => offs.forEach((off) => off()));
  }

  /** The room of a call is over; the session goes on. @param {string} reason */
  back(reason) {
    preview.want('videoinput', true);
    this.show();
    if (reason !== 'left') toast(text(reason === 'closed' ? 'home.callClosed' : 'home.callOver'), 'check');
  }
}

/** @param {Missed} call */
function missedLine({ name, at }) {
  return make('li', '', icon('missed'), text('home.missed', { name, time: timeOfDay(at) }));
}
