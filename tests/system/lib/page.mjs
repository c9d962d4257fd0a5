// tests/system/lib/page.mjs: what signaling/PROTOCOL.md promises, read from the page itself.

import fs from 'node:fs';

const text = fs.readFileSync(new URL('../../../signaling/PROTOCOL.md', import.meta.url), 'utf8');

/** The ```json blocks in order. */
export const examples = [...text.matchAll(/^```json (\S+) (\S+)\n([\s\S]*?)\n```$/gm)].map((m) => {
  const above = text.slice(0, m.index);
  const section = Number([...above.matchAll(/^## (\d+)\. /gm)].at(-1)[1]);
  return { kind: m[1], name: m[2], message: JSON.parse(m[3]), line: above.split('\n').length, section };
});

/** How many ```json blocks say not what they are. */
export const withoutInfoWords = [...text.matchAll(/^```json/gm)].length - examples.length;

/** A table of section `number`: [{column: cell}]. */
export function table(number) {
  const section = text.split(/^## /m).find((s) => s.startsWith(`${number}. `));
  const rows = section.split('\n').filter((line) => line.startsWith('|')).map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()));
  const [head, , ...body] = rows;
  return body.map((cells) => Object.fromEntries(head.map((column, i) => [column, cells[i]])));
}

/**
 * The table of section 10: each request, or "request (about)" → role → 'yes', '–' or 'always'.
 * @returns {Map<string, Record<string, string>>}
 */
export function rights() {
  const result = new Map();
  for (const { request, ...cells } of table(10)) {
    const names = request.startsWith('join ') ? [request] : request.split(/,\s*(?![^(]*\))/);
    for (const name of names) result.set(name.trim(), cells);
  }
  return result;
}

/** Every error code of section 9. */
export const errorCodes = table(9).flatMap((row) => [...row.code.matchAll(/`(\w+)`/g)].map((m) => m[1]));
