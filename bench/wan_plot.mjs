// bench/wan_plot.mjs: what wan_browsers.mjs measured, second by second, as one SVG: frame rate, rate received, height of the picture, freezes, audio.

const WIDTH = 720;
const PANEL = 90;
const LEFT = 56;
const TOP = 34;
const GAP = 26;
const COLOURS = { direct: '#777777', ours: '#0a6cbd' };

/** Round numbers below and at the top of an axis. @param {number} most */
function ticks(most) {
  const rough = most / 3;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough) ?? rough;
  const list = [];
  for (let at = 0; at < most + step; at += step) list.push(at);
  return list;
}

/**
 * One panel: lines over the seconds.
 * @param {string} title @param {{system: string, values: number[]}[]} lines @param {number} top of the panel
 */
function panel(title, lines, top) {
  const marks = ticks(Math.max(1, ...lines.flatMap((l) => l.values)));
  const most = marks.at(-1);
  const seconds = Math.max(2, ...lines.map((l) => l.values.length));
  const x = (second) => (LEFT + (second * (WIDTH - LEFT - 12)) / (seconds - 1)).toFixed(1);
  const y = (value) => (top + PANEL - (value * PANEL) / most).toFixed(1);
  const parts = [`<text x="${LEFT}" y="${top - 6}">${title}</text>`];
  for (const mark of marks) parts.push(`<path d="M${LEFT} ${y(mark)}H${WIDTH - 12}" stroke="#ddd"/><text x="${LEFT - 6}" y="${y(mark)}" dy="4" text-anchor="end">${mark}</text>`);
  for (const { system, values } of lines) {
    parts.push(`<path fill="none" stroke="${COLOURS[system] ?? '#000'}" stroke-width="1.6" d="M${values.map((v, i) => `${x(i)} ${y(v)}`).join('L')}"/>`);
  }
  return { parts, x, seconds };
}

/** The profile, and which browser is not a Chromium. @param {{profile: string, browser: string, sender: string}} result */
export function nameOf({ profile, browser, sender }) {
  return `${profile}${browser === 'firefox' ? '-to-firefox' : ''}${sender === 'firefox' ? '-from-firefox' : ''}`;
}

/**
 * @param {{profile: string, browser: string, sender: string, system: string, series: {fps: number[], kbps: number[], height: number[]}}[]} results of one profile
 * @returns {string}
 */
export function plot(results) {
  const panels = [['frames a second', 'fps'], ['video received, kbit/s', 'kbps'], ['height of the picture (0: nothing moves)', 'height'], ['frozen, % of the time', 'frozenShare'], ['audio made up, %', 'concealedShare']];
  const height = TOP + panels.length * (PANEL + GAP) + 14;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="11" fill="#222">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="8" y="14" font-weight="bold">${nameOf(results[0])}</text>`,
    ...results.map((r, i) => `<text x="${WIDTH - 150 + i * 70}" y="14" fill="${COLOURS[r.system] ?? '#000'}">${r.system}</text>`),
  ];
  let last;
  panels.forEach(([title, field], i) => {
    last = panel(title, results.map((r) => ({ system: r.system, values: r.series[field].map(Math.round) })), TOP + 6 + i * (PANEL + GAP));
    parts.push(...last.parts);
  });
  for (let second = 0; second < last.seconds; second += 10) parts.push(`<text x="${last.x(second)}" y="${height - 6}" text-anchor="middle">${second} s</text>`);
  return `${parts.join('\n')}\n</svg>\n`;
}
