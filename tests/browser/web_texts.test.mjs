// tests/browser/web_texts.test.mjs: every text of the pages is in both catalogues, none is in HTML or JavaScript, and
// nothing in the pages needs more than the content security policy allows or makes HTML of strings.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import ts from 'typescript';

const web = new URL('../../server/web/', import.meta.url).pathname;
const catalogues = Object.fromEntries(['en', 'zh-CN'].map((l) => [l, JSON.parse(fs.readFileSync(`${web}i18n/${l}.json`, 'utf8'))]));
/** Not what the build puts in from outside. */
const files = fs.readdirSync(web, { recursive: true }).map(String).filter((f) => !f.includes('vendor/'));
const scripts = files.filter((f) => /^(app|admin)\/.*\.js$/.test(f));
const pages = files.filter((f) => f.endsWith('.html') && !f.startsWith('examples/'));
const read = (file) => fs.readFileSync(path.join(web, file), 'utf8');

/** Attributes whose value names a text. */
const KEY_ATTRIBUTES = /data-i18n(?:-\w+)?="([^"]*)"/g;
/** What shows its value to people. */
const SHOWN = new Set(['textContent', 'innerText', 'title', 'placeholder', 'alt', 'ariaLabel', 'label']);
const SHOWN_ATTRIBUTES = new Set(['aria-label', 'title', 'placeholder', 'alt', 'data-tip']);

/** @param {(node: ts.Node, file: string) => void} visit */
function walk(visit) {
  for (const file of scripts) {
    const source = ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest, true);
    const each = (node) => {
      visit(node, file);
      ts.forEachChild(node, each);
    };
    each(source);
  }
}

/** Keys and beginnings of keys (`role.${…}`) that the code and the pages use. */
function used() {
  const keys = new Set();
  const beginnings = new Set();
  const take = (argument) => {
    if (ts.isStringLiteralLike(argument)) keys.add(argument.text);
    else if (ts.isTemplateExpression(argument)) beginnings.add(argument.head.text);
    else if (ts.isConditionalExpression(argument)) [argument.whenTrue, argument.whenFalse].forEach(take);
  };
  walk((node) => {
    if (ts.isCallExpression(node) && node.expression.getText() === 'text' && node.arguments.length > 0) take(node.arguments[0]);
  });
  for (const page of pages) for (const [, key] of read(page).matchAll(KEY_ATTRIBUTES)) keys.add(key);
  return { keys, beginnings };
}

/** Strings in the code that look like a key: passed on before they are looked up. */
function mentioned() {
  const strings = new Set();
  walk((node) => ts.isStringLiteralLike(node) && strings.add(node.text));
  return strings;
}

test('both catalogues have the same keys, none empty, with the same placeholders', () => {
  const { en, 'zh-CN': zh } = catalogues;
  assert.deepEqual(Object.keys(zh).sort(), Object.keys(en).sort());
  const placeholders = (s) => [...s.matchAll(/\{\w+\}/g)].map(([p]) => p).sort();
  for (const [key, words] of Object.entries(en)) {
    assert.ok(words && zh[key], `${key} is empty`);
    assert.deepEqual(placeholders(zh[key]), placeholders(words), key);
  }
});

test('every key that is used exists, and every key is used', () => {
  const { keys, beginnings } = used();
  const known = Object.keys(catalogues.en);
  for (const key of keys) assert.ok(known.includes(key), `no text for ${key}`);
  for (const beginning of beginnings) assert.ok(known.some((k) => k.startsWith(beginning)), `no text for ${beginning}…`);
  const passedOn = mentioned();
  const idle = known.filter((k) => !keys.has(k) && !passedOn.has(k) && ![...beginnings, 'error.'].some((b) => k.startsWith(b)));
  assert.deepEqual(idle, [], 'texts that nothing uses');
});

test('the server’s error codes that a user can meet have words', () => {
  for (const code of ['room_full', 'room_locked', 'token_invalid', 'token_expired', 'token_used', 'forbidden', 'draining', 'busy', 'rate_limited']) {
    assert.ok(catalogues.en[`error.${code}`], code);
  }
});

test('no page has words of its own', () => {
  for (const page of pages) {
    const words = read(page).replace(/<!--[^]*?-->|<!doctype html>/gi, '').replace(/<[^>]*>/g, ' ').trim();
    assert.equal(words, '', page);
    for (const [, name, value] of read(page).matchAll(/\s(alt|title|placeholder|aria-label)="([^"]*)"/g)) assert.equal(value, '', `${page}: ${name}`);
  }
});

test('no script shows a literal', () => {
  /** @type {string[]} */ const found = [];
  const lettered = (node) => (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)) && /\p{L}/u.test(ts.isTemplateExpression(node) ? node.head.text + node.templateSpans.map((s) => s.literal.text).join('') : node.text);
  walk((node, file) => {
    const say = () => found.push(`${file}: ${node.getText()}`);
    if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.EqualsToken && ts.isPropertyAccessExpression(node.left)) {
      const tip = node.left.getText().endsWith('dataset.tip');
      if ((SHOWN.has(node.left.name.text) || tip) && lettered(node.right)) say();
    }
    if (!ts.isCallExpression(node)) return;
    const name = node.expression.getText().split('.').pop() ?? '';
    const [first, second, ...rest] = node.arguments;
    if (name === 'setAttribute' && SHOWN_ATTRIBUTES.has(first.text) && lettered(second)) say();
    if (name === 'make' && rest.some(lettered)) say(); // what follows tag and class is shown
    if (['append', 'prepend', 'replaceChildren', 'createTextNode', 'toast'].includes(name) && first && lettered(first)) say();
    if (name === 'dress' && rest[0] && lettered(rest[0])) say();
  });
  assert.deepEqual(found, []);
});

test('strings never become HTML, and nothing is inline', () => {
  const banned = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc|createContextualFragment/;
  for (const file of files.filter((f) => f.endsWith('.js'))) assert.ok(!banned.test(read(file)), file);
  for (const page of files.filter((f) => f.endsWith('.html'))) {
    const html = read(page);
    assert.ok(!/<style|\sstyle=|\son\w+=|javascript:/i.test(html), page);
    for (const [tag] of html.matchAll(/<script[^>]*>[^<]*/g)) assert.match(tag, /src="\/[^"]+">$/, `${page}: ${tag}`);
    for (const [, url] of html.matchAll(/(?:src|href)="([^"]*)"/g)) assert.match(url, /^[/#]/, `${page}: ${url} is not of our own server`);
  }
});

test('every icon that is used is drawn', () => {
  const drawn = new Set([...read('icons.svg').matchAll(/symbol id="([\w-]+)"/g)].map(([, id]) => id));
  walk((node, file) => {
    if (!ts.isCallExpression(node)) return;
    const name = node.expression.getText();
    const argument = name === 'icon' ? node.arguments[0] : name === 'dress' ? node.arguments[1] : undefined;
    if (argument && ts.isStringLiteralLike(argument)) assert.ok(drawn.has(argument.text), `${file}: icon ${argument.text}`);
  });
  walk((node, file) => {
    if (ts.isPropertyAssignment(node) && node.name.getText() === 'icon' && ts.isStringLiteralLike(node.initializer)) {
      assert.ok(drawn.has(node.initializer.text), `${file}: icon ${node.initializer.text}`);
    }
  });
});
