// tests/browser/web_guide.test.mjs: the guide for web developers (server/web/examples/guide.html) tells the truth: its pages are the
// examples, its reference names exactly what the package's types have, and its version is the server's.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import ts from 'typescript';

const top = new URL('../../', import.meta.url).pathname;
const examples = `${top}server/web/examples/`;
const guide = fs.readFileSync(`${examples}guide.html`, 'utf8');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'consilium-guide-'));
/** Members and events by the name of class and type. @type {Map<string, string[]>} */
const declared = new Map();
/** What a class takes over. @type {Map<string, string>} */
const parents = new Map();

const plain = (html) => html.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&#x27;', "'").replaceAll('&amp;', '&');
/** The names at which the entries of a list begin. */
const names = (list) => [...list.matchAll(/<dt><code>(\w+)/g)].map(([, name]) => name).sort();

function read(file) {
  const source = ts.createSourceFile(file, fs.readFileSync(path.join(folder, file), 'utf8'), ts.ScriptTarget.Latest, true);
  source.forEachChild((node) => {
    if (ts.isClassDeclaration(node) && node.name) {
      const members = node.members.filter((m) => !ts.isConstructorDeclaration(m) && m.name && ts.isIdentifier(m.name) && !m.name.text.startsWith('_'));
      declared.set(node.name.text, members.map((m) => m.name.text));
      const parent = node.heritageClauses?.[0]?.types[0].expression.getText();
      if (parent) parents.set(node.name.text, parent);
    }
    if (ts.isTypeAliasDeclaration(node) && ts.isTypeLiteralNode(node.type)) declared.set(node.name.text, node.type.members.map((m) => m.name.getText()));
  });
}

/** With what it has from its parents, but for those that have a section of their own. */
function membersOf(name) {
  const parent = parents.get(name);
  const inherited = parent && parent !== 'Emitter' && !guide.includes(`data-class="${parent}"`) ? membersOf(parent) : [];
  return [...new Set([...(declared.get(name) ?? []), ...inherited])].sort();
}

before(() => {
  execFileSync(`${top}server/web/sdk_package.sh`, [folder]);
  for (const file of fs.readdirSync(folder).filter((f) => f.endsWith('.d.ts'))) read(file);
});

after(() => fs.rmSync(folder, { recursive: true }));

test('the page in the guide is the example, line by line', () => {
  const shown = [...guide.matchAll(/<pre[^>]* data-file="([^"]+)">([^<]*)<\/pre>/g)];
  assert.deepEqual(shown.map(([, file]) => file), ['call.html', 'call.js']);
  for (const [, file, text] of shown) assert.equal(plain(text), fs.readFileSync(examples + file, 'utf8').trimEnd(), file);
});

test('the reference names every public member and event of every class, and nothing else', () => {
  const sections = [...guide.matchAll(/<section data-class="(\w+)">([\s\S]*?)<\/section>/g)];
  assert.ok(sections.length >= 12, `${sections.length} classes`);
  for (const [, name, body] of sections) {
    const members = /<dl data-members>([\s\S]*?)<\/dl>/.exec(body)?.[1] ?? '';
    assert.deepEqual(names(members), membersOf(name), name);
    const [, type, events] = /<dl data-events="(\w+)">([\s\S]*?)<\/dl>/.exec(body) ?? [];
    if (type) assert.deepEqual(names(events), [...(declared.get(type) ?? [])].sort(), type);
  }
  const classes = new Set(sections.map(([, name]) => name));
  const source = fs.readFileSync(`${top}server/web/sdk/consilium.js`, 'utf8');
  const exported = [...source.matchAll(/^export \{ ([^}]+) \} from/gm)].flatMap(([, list]) => list.split(', '));
  assert.ok(exported.length > 10);
  for (const name of exported) assert.ok(classes.has(name) || new RegExp(`<code>${name}</code>`).test(guide), `${name} is not in the guide`);
});

test('the SDK, its package and the server have one version', () => {
  const [, server] = /^project\(consilium VERSION ([0-9.]+)/m.exec(fs.readFileSync(`${top}CMakeLists.txt`, 'utf8'));
  const [, sdk] = /^export const VERSION = '([^']+)';/m.exec(fs.readFileSync(path.join(folder, 'consilium.js'), 'utf8'));
  assert.deepEqual([sdk, JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8')).version], [server, server]);
});

test('every link of the guide to this server leads to a file', () => {
  const links = [...guide.matchAll(/ (?:href|src)="(\/[^"#?]*)/g)].map(([, link]) => link);
  assert.ok(links.length >= 5);
  for (const link of links) {
    if (link.endsWith('.tgz')) continue; // made by the build: web_example installs it
    assert.ok(fs.existsSync(path.join(top, 'server/web', link.endsWith('/') ? `${link}index.html` : link)), link);
  }
});
