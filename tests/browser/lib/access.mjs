// tests/browser/lib/access.mjs: a page through axe-core.

import assert from 'node:assert/strict';
import axe from 'axe-core';

/**
 * No finding that keeps somebody out. Text over pictures is on a ground of its own, which axe cannot see: it says so itself.
 * @param {import('puppeteer-core').Page} page @param {string} what
 */
export async function checkAccess(page, what) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  const bad = violations.filter((v) => ['serious', 'critical'].includes(v.impact));
  assert.deepEqual(bad.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.html} ${n.failureSummary}`).join(' | ')}`), [], what);
}
