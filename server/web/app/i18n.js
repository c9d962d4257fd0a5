// server/web/app/i18n.js: the texts of the page, in the browser's language. Catalogues are JSON beside the code.

const LANGUAGES = ['en', 'zh-CN'];

/** @type {Record<string, string>} */
let catalogue = {};

function preferred() {
  const asked = new URLSearchParams(location.search).get('lang');
  for (const wish of [asked, ...navigator.languages]) {
    if (!wish) continue;
    if (wish.toLowerCase().startsWith('zh')) return 'zh-CN';
    if (wish.toLowerCase().startsWith('en')) return 'en';
  }
  return LANGUAGES[0];
}

/** Loads the catalogue and fills in every element that names a text. */
export async function loadTexts() {
  const language = preferred();
  const response = await fetch(`/i18n/${language}.json`);
  catalogue = await response.json();
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll('[data-i18n]')) element.textContent = text(element.getAttribute('data-i18n') ?? '');
  for (const [attribute, target] of [['data-i18n-label', 'aria-label'], ['data-i18n-placeholder', 'placeholder']]) {
    for (const element of document.querySelectorAll(`[${attribute}]`)) element.setAttribute(target, text(element.getAttribute(attribute) ?? ''));
  }
}

/**
 * @param {string} key @param {Record<string, string | number>} [values]
 * @returns {string}
 */
export function text(key, values = {}) {
  const template = catalogue[key] ?? key;
  return template.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/** @param {unknown} error @returns {string} */
export function errorText(error) {
  const code = /** @type {{code?: string}} */ (error)?.code ?? 'internal';
  return catalogue[`error.${code}`] ?? text('error.other', { code });
}
