// server/web/admin/workers.js: how loaded the workers are and how often topologies changed, from /metrics.

import { make } from '../app/dom.js';
import { number, text } from '../app/i18n.js';
import { metrics } from './api.js';
import { fillRows, setText } from './keyed.js';

/** @typedef {{name: string, labels: Record<string, string>, value: number}} Sample */

const BUSY = 80;
/** @type {Map<string, {at: number, packets: number, bytes: number}>} by worker, for rates */
const before = new Map();

/** Prometheus text, as far as our server writes it. @param {string} words @returns {Sample[]} */
export function parseMetrics(words) {
  /** @type {Sample[]} */
  const samples = [];
  for (const line of words.split('\n')) {
    const match = /^([a-z_:][\w:]*)(?:\{(.*)\})? (\S+)$/i.exec(line);
    if (!match || line.startsWith('#')) continue;
    /** @type {Record<string, string>} */
    const labels = {};
    for (const [, key, value] of (match[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) labels[key] = value.replace(/\\(.)/g, (_, c) => (c === 'n' ? '\n' : c));
    const value = Number(match[3]);
    if (Number.isFinite(value)) samples.push({ name: match[1], labels, value });
  }
  return samples;
}

/** @param {HTMLElement} section */
export async function showWorkers(section) {
  const samples = parseMetrics(await metrics());
  const of = (/** @type {string} */ name, /** @type {string} */ worker) => samples.find((s) => s.name === name && s.labels.worker === worker)?.value ?? 0;
  const workers = [...new Set(samples.filter((s) => s.name === 'consilium_worker_up').map((s) => s.labels.worker))].sort((a, b) => Number(a) - Number(b));
  let body = section.querySelector('tbody');
  if (!body) {
    body = make('tbody');
    const heads = ['admin.worker', 'admin.state', 'admin.busy', 'admin.rooms', 'admin.people', 'admin.packets', 'admin.out'].map((key) => {
      const head = make('th', '', text(key));
      head.scope = 'col';
      return head;
    });
    const scroll = make('div', 'table-scroll', make('table', 'workers', make('caption', '', text('admin.workers')), make('thead', '', make('tr', '', ...heads)), body));
    scroll.tabIndex = 0;
    scroll.setAttribute('role', 'group');
    scroll.setAttribute('aria-label', text('admin.workers'));
    section.replaceChildren(scroll, make('p', 'admin-switches hint'));
  }
  fillRows(body, workers.map((worker) => row(worker, (name) => of(name, worker))));
  const switches = samples.filter((s) => s.name === 'consilium_topology_switches_total' && s.value > 0);
  /** @type {Map<string, number>} by direction and outcome, of all workers */
  const counts = new Map();
  for (const { labels: { to, outcome }, value } of switches) counts.set(`${to}.${outcome}`, (counts.get(`${to}.${outcome}`) ?? 0) + value);
  const words = [...counts].map(([key, count]) => text(`admin.switch.${key}`, { count }));
  setText(section.querySelector('.admin-switches'), words.length > 0 ? text('admin.switches', { list: words.join(', ') }) : text('admin.noSwitches'));
}

/** @param {string} worker @param {(name: string) => number} of */
function row(worker, of) {
  const now = { at: performance.now(), packets: of('consilium_rtp_received_packets_total') + of('consilium_rtp_sent_packets_total'), bytes: of('consilium_rtp_sent_bytes_total') };
  const last = before.get(worker);
  before.set(worker, now);
  const seconds = last ? (now.at - last.at) / 1000 : 0;
  const rate = (/** @type {number} */ a, /** @type {number} */ b) => (seconds > 0 && a >= b ? (a - b) / seconds : 0);
  const busy = 100 * of('consilium_worker_busy_ratio');
  const up = of('consilium_worker_up') === 1;
  return {
    key: worker,
    silent: !up,
    cells: [
      worker, { words: text(up ? 'admin.up' : 'admin.down'), bad: !up }, { words: number(busy / 100, { style: 'percent' }), bad: busy > BUSY },
      number(of('consilium_rooms')), number(of('consilium_participants')),
      text('admin.perSecond', { count: Math.round(rate(now.packets, last?.packets ?? 0)) }),
      text('admin.kbps', { kbps: Math.round((rate(now.bytes, last?.bytes ?? 0) * 8) / 1000) }),
    ],
  };
}
