// tests/browser/web_preload.test.mjs: every page names all modules that it will import, so that a browser asks for them at once
// and not one generation of imports after the other. A page that lacks one or names one too many fails, with what it should say.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import ts from 'typescript';

const web = new URL('../../server/web/', import.meta.url).pathname;
const read = (file) => fs.readFileSync(path.join(web, file), 'utf8');

/** Absolute paths of what a module imports by itself: neither `import()` nor types. */
function imports(module) {
  const source = ts.createSourceFile(module, read(module), ts.ScriptTarget.Latest, true);
  return source.statements
    .filter((s) => (ts.isImportDeclaration(s) || ts.isExportDeclaration(s)) && s.moduleSpecifier)
    .map((s) => new URL(s.moduleSpecifier.text, `file://${module}`).pathname);
}

/** All that `entries` import, near ones first. */
function closure(entries) {
  const all = new Set(entries);
  for (const module of all) for (const name of imports(module)) all.add(name);
  for (const entry of entries) all.delete(entry);
  return [...all];
}

/** Not the examples: they are there to be read, and their 29 modules would be half of the page. */
const pages = fs.readdirSync(web, { recursive: true }).map(String).filter((f) => f.endsWith('.html') && !f.startsWith('examples/'));
const all = (text, pattern) => [...text.matchAll(pattern)].map(([, value]) => value);

for (const page of pages) {
  test(`${page} names the modules it needs, each once`, () => {
    const text = read(page);
    const entries = all(text, /<script type="module" src="([^"]+)">/g);
    const wanted = closure(entries);
    const named = all(text, /<link rel="modulepreload" href="([^"]+)" \/>/g);
    assert.equal(named.length, all(text, /(modulepreload)/g).length, 'one way of writing it');
    assert.deepEqual(named.toSorted(), wanted.toSorted(), `server/web/${page} should say:\n${wanted.map((m) => `    <link rel="modulepreload" href="${m}" />`).join('\n')}`);
  });
}

test('the walk finds what it should', () => {
  const modules = closure(['/app/main.js']);
  assert.ok(modules.length > 60, `${modules.length} modules`);
  for (const known of ['/sdk/consilium.js', '/sdk/still_wire.js', '/app/dom.js']) assert.ok(modules.includes(known), known);
});
