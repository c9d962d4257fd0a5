// bench/wan_series.mjs: a whole series of wan_browsers.mjs, one JSON file a run, and the table and the plots of all of them.
//
//   sudo node bench/wan_series.mjs --out FOLDER [--runs 2] [--minutes 25] [--rows clean,drop,drop-to-firefox,…] [--report bench/results]
//
// A row is a profile, with -to-firefox when the receiver is a Firefox, -from-firefox when the sender is one. Without --rows: the main
// rows with Chromium `runs` times and with Firefox once; --runs 1 takes 16 minutes. Run N has seed N. Every row comes once before
// any comes twice; a run that fails is tried once more at the end; no run is begun that would end after `minutes`. Runs that are
// there already are not made again, so that a series can be continued, also by another list of rows. --report FOLDER writes wan.md
// and the plots there.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';

const here = new URL('.', import.meta.url).pathname;
/** Seconds of measuring: what a profile needs to show what it is about (steps begin at 15 s; see bench/link/link_profiles.c). */
const SECONDS = { clean: 12, rate780: 20, drop: 42, '3g': 30, loss10: 15, loss30: 15, blackout3s: 23, jitter200: 15 };
const OTHER_SECONDS = 20;
/** Where the page would not load for minutes: people arrive before the network turns bad. */
const CALM = new Set(['loss30', 'jitter200']);
/** Browsers, server, both joins, the sender's first seconds; longer than it usually is. */
const AROUND_S = 30;
const MAIN = ['clean', 'rate780', 'drop', '3g', 'loss10', 'loss30', 'blackout3s', 'jitter200'];
const FIREFOX = ['clean-to-firefox', 'drop-to-firefox', 'loss10-to-firefox', 'rate780-to-firefox', 'loss10-from-firefox'];

const options = { out: '', runs: '2', minutes: '25', rows: '', report: '' };
for (let i = 2; i + 1 < process.argv.length; i += 2) options[process.argv[i].slice(2)] = process.argv[i + 1];
if (!options.out) throw new Error('usage: wan_series.mjs --out FOLDER [--runs N] [--minutes N] [--rows ROW,…] [--report FOLDER]');

/** @param {string} name */
function rowOf(name) {
  const [profile] = name.split('-');
  return { name, profile, seconds: SECONDS[profile] ?? OTHER_SECONDS, browser: name.endsWith('-to-firefox') ? 'firefox' : 'chromium', sender: name.endsWith('-from-firefox') ? 'firefox' : 'chromium' };
}

/** Every row once, then again. */
function planned() {
  const rows = options.rows ? options.rows.split(',') : [...MAIN, ...FIREFOX];
  const list = [];
  for (let run = 1; run <= Number(options.runs); run++) {
    for (const name of rows) {
      if (run > 1 && !options.rows && FIREFOX.includes(name)) continue;
      const file = path.join(options.out, `${name}-${run}.json`);
      if (!fs.existsSync(file)) list.push({ ...rowOf(name), run, file });
    }
  }
  return list;
}

/** One run in a program of its own, and not for ever. Only what is whole gets its name. @param {ReturnType<typeof planned>[number]} row */
async function measure(row) {
  const half = `${row.file}.part`;
  const words = ['wan_browsers.mjs', row.profile, '--seconds', row.seconds, '--seed', row.run, '--browser', row.browser, '--sender', row.sender, '--json', path.resolve(half), ...(CALM.has(row.profile) ? ['--calm', 1] : [])];
  const child = spawn(process.execPath, words.map(String), { cwd: here, stdio: ['ignore', 'inherit', 'inherit'], detached: true });
  const exited = once(child, 'exit');
  /** @param {NodeJS.Signals} signal @param {number} seconds */
  const endAfter = (signal, seconds) => setTimeout(() => process.kill(-(child.pid ?? 0), signal), seconds * 1000);
  const most = 2 * row.seconds + 3 * AROUND_S;
  const ends = [endAfter('SIGTERM', most), endAfter('SIGKILL', most + 10)]; // with SIGTERM it closes its browsers
  const [status] = await exited;
  for (const end of ends) clearTimeout(end);
  if (status !== 0) return false;
  fs.renameSync(half, row.file);
  return true;
}

fs.mkdirSync(options.out, { recursive: true });
const began = Date.now();
const failed = [];
let left = planned();
for (let round = 0; round < 2; round++) {
  for (const row of left) {
    const needsS = 2 * row.seconds + AROUND_S;
    if (Date.now() - began + needsS * 1000 > Number(options.minutes) * 60_000) {
      console.log(`${row.name} ${row.run}: no time left`);
      continue;
    }
    if (!(await measure(row))) {
      console.log(`${row.name} ${row.run}: failed`);
      failed.push(row);
    }
  }
  left = failed.splice(0);
}
console.log(`${((Date.now() - began) / 60_000).toFixed(1)} minutes, ${left.length} runs failed twice`);
if (options.report) {
  const files = fs.readdirSync(options.out).filter((f) => f.endsWith('.json')).sort().map((f) => path.resolve(options.out, f));
  const folder = path.resolve(options.report);
  const made = spawnSync(process.execPath, ['wan_report.mjs', '--plots', folder, ...files], { cwd: here, encoding: 'utf8' });
  if (made.status !== 0) throw new Error(made.stderr);
  fs.writeFileSync(path.join(folder, 'wan.md'), made.stdout);
}
process.exitCode = left.length ? 1 : 0;
