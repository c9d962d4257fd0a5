// server/web/app/connection_panel.js: the connection test as people see it: a button, how far it is, and a verdict in words with
// the figures behind it.

import { ConnectionTest } from './connection_test.js';
import { dress, icon, make } from './dom.js';
import { number, text } from './i18n.js';

/** @type {Record<string, string>} */
const SYMBOLS = { good: 'signal-good', fair: 'signal-fair', poor: 'signal-poor', blocked: 'warning', unreachable: 'warning' };

export class ConnectionPanel {
  #button = make('button');
  #video = make('video', 'test-picture');
  #bar = make('progress');
  #verdict = make('p', 'verdict');
  #figures = make('dl', 'figures');
  #token;
  /** @type {ConnectionTest | null} */ #test = null;

  /** @param {() => Promise<string>} token */
  constructor(token) {
    this.#token = token;
    this.#button.type = 'button';
    this.#button.dataset.action = 'test-connection';
    dress(this.#button, 'signal-good', text('test.start'), true);
    this.#button.onclick = () => this.#run();
    this.#video.muted = this.#video.playsInline = true;
    this.#video.setAttribute('aria-hidden', 'true');
    this.#bar.setAttribute('aria-label', text('test.progress'));
    this.#bar.hidden = this.#figures.hidden = true;
    this.#verdict.setAttribute('role', 'status');
    this.element = make('div', 'check-connection', this.#button, this.#bar, this.#verdict, this.#figures, this.#video);
  }

  async #run() {
    if (this.#test) return;
    this.#button.setAttribute('aria-busy', 'true');
    delete this.element.dataset.verdict;
    this.#figures.hidden = true;
    this.#bar.hidden = false;
    this.#bar.removeAttribute('value');
    this.#verdict.textContent = text('test.runs');
    const token = await this.#token().catch(() => '');
    const test = new ConnectionTest(token, this.#video, (done) => (this.#bar.value = done));
    this.#test = test;
    const result = await test.run();
    if (this.#test !== test) return; // stopped: nobody waits for it
    this.#test = null;
    this.#button.removeAttribute('aria-busy');
    this.#bar.hidden = true;
    this.#tell(result);
  }

  /** @param {import('./connection_test.js').ConnectionResult} result */
  #tell({ verdict, rttMs = 0, loss = 0, upKbps = 0, downKbps = 0, route, protocol = '' }) {
    this.element.dataset.verdict = verdict;
    this.#verdict.replaceChildren(icon(SYMBOLS[verdict]), make('span', '', text(`test.verdict.${verdict}`)));
    dress(this.#button, 'reconnect', text('test.again'), true);
    if (!route) return;
    const rate = (/** @type {number} */ kbps) => text('test.mbps', { mbps: number(kbps / 1000, { maximumFractionDigits: 1 }) });
    /** @type {[key: string, label: string, value: string][]} */
    const rows = [
      ['rtt', text('test.rtt'), text('test.ms', { ms: Math.round(rttMs) })],
      ['loss', text('test.loss'), number(loss, { style: 'percent', maximumFractionDigits: 1 })],
      ['up', text('test.up'), rate(upKbps)],
      ['down', text('test.down'), rate(downKbps)],
      ['route', text('test.route'), text(`test.route.${route}`, { protocol: protocol.toUpperCase() })],
    ];
    this.#figures.replaceChildren(...rows.map(([key, label, value]) => {
      const shown = make('dd', '', value);
      shown.dataset.figure = key;
      return make('div', '', make('dt', '', label), shown);
    }));
    this.#figures.hidden = false;
  }

  stop() {
    const test = this.#test;
    this.#test = null;
    test?.stop();
    this.#bar.hidden = true;
    this.#button.removeAttribute('aria-busy');
    if (test) this.#verdict.textContent = '';
  }
}
