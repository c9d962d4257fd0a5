// bench/wan_report.mjs: the table of what wan_browsers.mjs measured, from its --json files; several of a profile: the median of each figure.
// wan_series.mjs makes both.
//
//   node bench/wan_report.mjs --plots bench/results RUNS/*.json > bench/results/wan.md
//
// --plots FOLDER writes wan-PROFILE.svg there, of the run whose ratio is the median one, and the page shows them.

import fs from 'node:fs';
import path from 'node:path';
import { nameOf, plot } from './wan_plot.mjs';

const words = process.argv.slice(2);
const folder = words[0] === '--plots' ? words.splice(0, 2)[1] : null;

/** @typedef {{direct?: any, ours?: any}} Run one file: both systems behind the same link */

/** @param {number[]} values */
function median(values) {
  const sorted = values.filter((v) => Number.isFinite(v)).sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return sorted.length ? (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2 : NaN;
}

/** @param {Run} run received bitrate times frame rate, of the direct call's */
const ratioOf = ({ direct, ours }) => (direct && ours ? (ours.kbps * ours.fps) / (direct.kbps * direct.fps) : NaN);

/** Links on which a direct call is the measure of bitrate and frame rate: on lossy ones it gives up rate for nothing. */
const RATE_LIMITED = new Set(['clean', 'drop', 'rate780', '3g', 'lte', 'dsl']);

/** When the outages of the profiles end, in seconds. */
const OUTAGE_END_S = { blackout3s: 18 };

/** Seconds from the link's return to the next picture, to a quarter. @param {any} result */
function backAfter(result) {
  const end = OUTAGE_END_S[result?.profile];
  if (end === undefined || !result.gap) return '';
  return result.gap.until < end ? 'not back' : (result.gap.until - end).toFixed(2);
}

/** @type {Map<string, Run[]>} by profile and browser */
const groups = new Map();
for (const file of words) {
  /** @type {any[]} */
  const results = JSON.parse(fs.readFileSync(file, 'utf8'));
  if (!results.length) continue;
  const key = nameOf(results[0]);
  const run = Object.fromEntries(results.map((r) => [r.system, r]));
  groups.set(key, [...(groups.get(key) ?? []), run]);
}

/** " (lowest–highest)" where there were several. @param {number[]} values @param {number} digits */
function range(values, digits) {
  const known = values.filter((v) => Number.isFinite(v));
  if (known.length < 2) return '';
  return ` (${Math.min(...known).toFixed(digits)}–${Math.max(...known).toFixed(digits)})`;
}

/** What was measured, and by a program of which commit, when that is another. @param {any} result */
function commitOf({ versions }) {
  const other = versions?.built && !`${versions.commit}`.startsWith(versions.built);
  return `${versions?.commit}${other ? ` (program ${versions.built})` : ''}`;
}

/** Frames a second from the third second on: before, a receiver's buffer grows to what the path needs, and no frame is lost. @param {any} result */
function settledFps(result) {
  const later = (result.series?.fps ?? []).slice(2);
  return later.reduce((/** @type {number} */ sum, /** @type {number} */ fps) => sum + fps, 0) / later.length;
}

/** "direct → ours" of one figure. */
function both(runs, figure, digits) {
  const of = (system) => {
    const value = median(runs.flatMap((run) => (run[system] ? [figure(run[system])] : [])));
    return Number.isFinite(value) ? value.toFixed(digits) : '–';
  };
  return `${of('direct')} → ${of('ours')}`;
}

const first = [...groups.values()][0]?.[0];
const sample = first?.ours ?? first?.direct;
const lines = [
  '# Browsers behind bad links', '',
  'Direct call → our server, in the same run behind the same seeded link (`bench/wan`); medians where there were several runs (ours: lowest–highest).',
  'Made by `sudo node bench/wan_series.mjs --out FOLDER --report bench/results`. The longest wait is of a program that wanted to be woken every 10 ms.',
  sample ? `Camera ${sample.camera}, ${sample.versions?.sender}; two cores for both browsers, server and link.` : '', '',
  '| link | runs | fps (encoded) | fps from the third second | frozen % | audio made up % (and silent %) | kbit/s | join → first, top picture, s | rate × fps of direct | picture back after the outage, s | longest wait of the machine, ms | commits |',
  '|---|---|---|---|---|---|---|---|---|---|---|---|',
];
const plots = [];
for (const [key, runs] of groups) {
  const ratio = median(runs.map(ratioOf));
  const commits = [...new Set(runs.flatMap((run) => Object.values(run).map(commitOf)))].join(', ');
  const joins = `${both(runs, (r) => r.firstPicture, 1)}, ${both(runs, (r) => r.toTop, 1)}`;
  const waits = runs.flatMap((run) => Object.values(run).map((r) => r.machine?.longestWaitMs)).filter(Number.isFinite);
  const back = [...new Set(runs.map((run) => `${backAfter(run.direct)} → ${backAfter(run.ours)}`))].join('; ').replace(/^ → $/, '');
  lines.push(`| ${key} | ${runs.length} | ${both(runs, (r) => r.fps, 1)} (${both(runs, (r) => r.sentFps, 1)}) | ${both(runs, settledFps, 1)} | ${both(runs, (r) => r.frozen, 1)}${range(runs.map((run) => run.ours?.frozen), 1)} | ${both(runs, (r) => r.concealed, 1)} (${both(runs, (r) => r.silent, 1)}) | ${both(runs, (r) => r.kbps, 0)} | ${joins} | ${Number.isFinite(ratio) && RATE_LIMITED.has(key.split('-')[0]) ? `${ratio.toFixed(2)}${range(runs.map(ratioOf), 2)}` : '–'} | ${back} | ${waits.length ? Math.max(...waits) : '–'} | ${commits} |`);
  const away = (run) => Math.abs(ratioOf(run) - ratio);
  const shown = runs.reduce((best, run) => (away(run) < away(best) ? run : best), runs[0]);
  if (folder) fs.writeFileSync(path.join(folder, `wan-${key}.svg`), plot(Object.values(shown)));
  plots.push(`## ${key}`, '', `![${key}](wan-${key}.svg)`, '');
}
console.log([...lines, '', ...(folder ? plots : [])].join('\n').trimEnd());
