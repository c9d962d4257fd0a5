// tests/browser/lib/access.mjs: a page through axe-core.

import assert from 'node:assert/strict';
import axe from 'axe-core';

/** @param {import('puppeteer-core').Page} page @param {string[]} [rules] only these */
async function findings(page, rules) {
  const { violations } = await page.evaluate(async (only) => {
    // Colours on their way to other ones are not what people read.
    await Promise.all(document.getAnimations().filter((a) => a instanceof CSSTransition).map((a) => a.finished.catch(() => {})));
    return window.axe.run(document, { resultTypes: ['violations'], ...(only && { runOnly: only }) });
  }, rules);
  const bad = violations.filter((v) => ['serious', 'critical'].includes(v.impact));
  return bad.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.html} ${n.failureSummary}`).join(' | ')}`);
}

/**
 * No finding that keeps somebody out, in the light or the dark that the page has, nor for the colours of the other one. Text over
 * pictures is on a ground of its own, which axe cannot see: it says so itself.
 * @param {import('puppeteer-core').Page} page @param {string} what
 */
export async function checkAccess(page, what) {
  await page.evaluate(axe.source);
  assert.deepEqual(await findings(page), [], what);
  const dark = await page.evaluate(() => matchMedia('(prefers-color-scheme: dark)').matches);
  const dress = async (isDark) => {
    try {
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: isDark ? 'dark' : 'light' }]);
      return true;
    } catch {
      return false;
    }
  };
  if (!(await dress(!dark))) return; // Firefox has what it was started with
  try {
    assert.deepEqual(await findings(page, ['color-contrast']), [], `${what}, ${dark ? 'light' : 'dark'}`);
  } finally {
    await dress(dark);
  }
}
