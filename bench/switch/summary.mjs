// bench/switch/summary.mjs: the table of bench/switch.mjs's lines.

import { spread } from './figures.mjs';

const GOAL_MS = 100;
const SOUND_MS = 20;

/** @param {any[]} lines @returns {string} */
export function summarize(lines) {
  const out = [];
  for (const kinds of new Set(lines.map((l) => l.kinds))) {
    for (const way of ['sfu', 'p2p']) {
      const all = lines.filter((l) => l.kinds === kinds && l.way === way && l.gap !== undefined);
      if (!all.length) continue;
      const judged = all.filter((l) => !l.spoiled.length);
      out.push(`seen in ${kinds}, to ${way}: ${all.length}, of them spoiled ${all.length - judged.length}`);
      for (const [name, some] of [['judged', judged], ['all', all]]) {
        const over = some.filter((l) => l.gap > GOAL_MS + 1);
        out.push(`  ${name.padEnd(6)} gap ms ${spread(some.map((l) => l.gap))}; over ${GOAL_MS}: ${over.length}; made up ms ${spread(some.map((l) => l.made))}; over ${SOUND_MS}: ${some.filter((l) => l.made > SOUND_MS).length}`);
      }
      const rests = all.map((l) => l.rest).filter(Boolean);
      if (rests.length) out.push(`  at rest gap ms ${spread(rests.map((r) => r.gap))}; over ${GOAL_MS}: ${rests.filter((r) => r.gap > GOAL_MS + 1).length}`);
      const known = (key) => all.map((l) => l[key]).filter((v) => v !== null && v !== undefined);
      out.push(`  in the second after it: from received to presented ms ${spread(known('delay'))}; sound kept ms ${spread(known('kept'))}`);
      for (const key of ['own', 'control', 'drawn', 'source']) out.push(`  beside: ${key.padEnd(8)} ms ${spread(all.map((l) => l.beside[key]))}${rests.length ? `; at rest ${spread(rests.map((r) => r.beside[key]))}` : ''}`);
    }
  }
  out.push(`changes seen: ${lines.length}, taken back and made again: ${lines.filter((l) => l.again > 0).length}, failed: ${lines.filter((l) => l.failed).length}`);
  return out.join('\n');
}
