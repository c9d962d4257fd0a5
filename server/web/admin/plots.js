// server/web/admin/plots.js: the live plots of one participant, drawn by uPlot, which the build puts into vendor/ (a development
// dependency of tests/browser). A server built without it runs as well; the page then says that there are no plots.

import { make } from '../app/dom.js';
import { number, text } from '../app/i18n.js';
import { PersonHistory, SECONDS } from './history.js';

/** @typedef {import('./history.js').Measure} Measure */
/** @typedef {{setData: (data: any[]) => void, setSize: (size: {width: number, height: number}) => void, destroy: () => void}} Chart */
/** @typedef {new (options: object, data: any[], parent: HTMLElement) => Chart} ChartClass */

/** @type {{measure: Measure, unit: string, most?: number}[]} */
const PLOTS = [{ measure: 'bitrate', unit: 'admin.unit.kbps' }, { measure: 'loss', unit: 'admin.unit.percent' }, { measure: 'rtt', unit: 'admin.unit.ms' }, { measure: 'layer', unit: '', most: 3 }];
/** Told apart in light and dark, and by who sees few colours. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#b8860b', '#56b4e9', '#8c6bb1', '#7f7f7f'];
const DASHES = [[], [6, 3], [2, 2]];
const HEIGHT = 140;
/** So much of time is shown from the start. */
const LEAST_SECONDS = 30;

/** @type {Promise<ChartClass | null> | null} */
let loading = null;

/** @returns {Promise<ChartClass | null>} null: the server has none */
function loadCharts() {
  loading ??= (async () => {
    try {
      const path = '/admin/vendor/uPlot.esm.js'; // not there without the build's copy, so not an import of ours
      const { default: charts } = await import(path);
      const style = make('link');
      style.rel = 'stylesheet';
      style.href = '/admin/vendor/uPlot.min.css';
      document.head.append(style);
      return charts;
    } catch {
      return null;
    }
  })();
  return loading;
}

export class Plots {
  history = new PersonHistory();
  element = make('details', 'plots');
  #body = make('div', 'plot-grid');
  /** @type {Map<Measure, {chart: Chart, keys: string}>} */ #charts = new Map();
  /** @type {Map<Measure, HTMLElement>} */ #holders = new Map();
  #style = '';

  constructor() {
    this.element.append(make('summary', '', text('admin.plots')), this.#body);
    this.element.ontoggle = () => this.draw();
  }

  /** Draws what is known, if it is looked at. */
  async draw() {
    if (!this.element.open) return;
    const charts = await loadCharts();
    if (!charts) {
      if (!this.#body.hasChildNodes()) this.#body.append(make('p', 'lead', text('admin.noPlots')));
      return;
    }
    const style = `${getComputedStyle(this.element).color} ${this.#body.clientWidth}`;
    if (style !== this.#style) this.#clear(); // light became dark, or the window another one
    this.#style = style;
    // All of them stand before the first is measured: alone it would take the whole width.
    for (const { measure } of PLOTS) if (!this.#holders.has(measure)) this.#holders.set(measure, this.#hold(measure));
    for (const { measure, unit, most } of PLOTS) this.#drawOne(charts, measure, unit, most);
  }

  /** @param {Measure} measure */
  #hold(measure) {
    const holder = make('figure', 'plot');
    holder.dataset.measure = measure;
    this.#body.append(holder);
    return holder;
  }

  /** @param {ChartClass} charts @param {Measure} measure @param {string} unit @param {number} [most] */
  #drawOne(charts, measure, unit, most) {
    const { keys, labels, columns } = this.history.columns(measure);
    const known = this.#charts.get(measure);
    const now = JSON.stringify([keys, labels]);
    if (known && known.keys === now) {
      known.chart.setData(columns);
      return;
    }
    const holder = /** @type {HTMLElement} */ (this.#holders.get(measure));
    known?.chart.destroy();
    const title = text(`admin.plot.${measure}`);
    const legend = make('ul', 'plot-legend', ...labels.map((label, i) => {
      const mark = make('span', 'plot-mark');
      mark.style.background = COLOURS[i % COLOURS.length];
      return make('li', '', mark, label);
    }));
    const area = make('div', 'plot-area');
    holder.replaceChildren(make('figcaption', '', unit ? `${title} (${text(unit)})` : title), area, legend);
    const chart = new charts(options(this.element, Math.max(200, holder.clientWidth), labels, measure, most), columns, area);
    this.#charts.set(measure, { chart, keys: now });
  }

  #clear() {
    for (const { chart } of this.#charts.values()) chart.destroy();
    this.#charts.clear();
    this.#holders.clear();
    this.#body.replaceChildren();
  }

  close() {
    this.#clear();
  }
}

/** @param {HTMLElement} near whose colours they take @param {number} width @param {string[]} labels @param {Measure} measure @param {number} [most] */
function options(near, width, labels, measure, most) {
  const ink = getComputedStyle(near).color;
  const grid = { stroke: getComputedStyle(near).borderTopColor, width: 1 };
  const clock = new Intl.DateTimeFormat(document.documentElement.lang, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
  const layers = [0, 1, 2, 3].map((l) => text(`admin.layer.${l}`));
  return {
    width, height: HEIGHT, legend: { show: false }, cursor: { show: false },
    scales: {
      x: { time: false, range: (/** @type {unknown} */ _, /** @type {number} */ first) => [Math.min(Math.max(first, Date.now() / 1000 - SECONDS), Date.now() / 1000 - LEAST_SECONDS), Date.now() / 1000] },
      y: { range: (/** @type {unknown} */ _, /** @type {number} */ low, /** @type {number} */ high) => [0, most ?? Math.max(1, high * 1.1)] },
    },
    axes: [
      { stroke: ink, grid, ticks: grid, space: 70, size: 34, values: (/** @type {unknown} */ _, /** @type {number[]} */ at) => at.map((s) => clock.format(s * 1000)) },
      {
        stroke: ink, grid, ticks: grid, size: 56,
        ...(measure === 'layer' ? { splits: [0, 1, 2, 3], values: () => layers } : { values: (/** @type {unknown} */ _, /** @type {number[]} */ v) => v.map((n) => number(n)) }),
      },
    ],
    series: [{}, ...labels.map((label, i) => ({
      label, stroke: COLOURS[i % COLOURS.length], width: 1.5, dash: DASHES[Math.floor(i / COLOURS.length) % DASHES.length], points: { show: false }, spanGaps: false,
    }))],
  };
}
