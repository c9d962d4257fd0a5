// server/web/app/i18n.js: the texts of the pages, in the browser's language. Catalogues are JSON beside the code.

import { remember, remembered } from './preferences.js';

export const LANGUAGES = /** @type {const} */ (['en', 'zh-CN']);
const DEFAULT_LANGUAGE = 'en';
/** Which attribute of an element names the text of which attribute. */
const ATTRIBUTES = { 'data-i18n-label': 'aria-label', 'data-i18n-placeholder': 'placeholder', 'data-i18n-tip': 'data-tip' };

/** @type {Record<string, string>} */
let catalogue = {};
/** @type {Set<() => void>} */
const followers = new Set();

/** What the link says, then what was chosen here before, then what the browser prefers. */
function preferred() {
  const asked = new URLSearchParams(location.search).get('lang');
  for (const wish of [asked, remembered('language'), ...navigator.languages]) {
    if (wish?.toLowerCase().startsWith('zh')) return 'zh-CN';
    if (wish?.toLowerCase().startsWith('en')) return 'en';
  }
  return DEFAULT_LANGUAGE;
}

/** Another language from now on, also after a reload. @param {string} language one of LANGUAGES */
export async function chooseLanguage(language) {
  remember('language', language);
  await loadTexts(language);
  for (const follow of followers) follow();
}

/**
 * A choice of languages on pages outside a call: they are loaded anew, the token stays with the history entry. Not those whose
 * token is used up, because they are connected (`live`): their texts are exchanged.
 */
function fillChoices() {
  for (const element of document.querySelectorAll('select[data-languages]')) {
    const select = /** @type {HTMLSelectElement} */ (element);
    select.replaceChildren(...LANGUAGES.map((value) => {
      const option = document.createElement('option');
      option.value = value;
      option.lang = value;
      option.textContent = text(`language.${value}`);
      option.selected = value === document.documentElement.lang;
      return option;
    }));
    select.onchange = () => {
      if (select.dataset.languages === 'live') {
        chooseLanguage(select.value);
        return;
      }
      remember('language', select.value);
      const url = new URL(location.href);
      url.searchParams.delete('lang'); // it would win
      history.replaceState(history.state, '', url);
      location.reload();
    };
  }
}

/** Called when the language has changed, for texts that HTML does not name. @param {() => void} follow @returns {() => void} takes it off */
export function onLanguage(follow) {
  followers.add(follow);
  return () => followers.delete(follow);
}

/** Loads the catalogue and fills in every element that names a text. @param {string} [language] */
export async function loadTexts(language = preferred()) {
  const response = await fetch(`/i18n/${language}.json`);
  catalogue = await response.json();
  document.documentElement.lang = language;
  fillChoices();
  for (const element of document.querySelectorAll('[data-i18n]')) element.textContent = text(element.getAttribute('data-i18n') ?? '');
  for (const [attribute, target] of Object.entries(ATTRIBUTES)) {
    for (const element of document.querySelectorAll(`[${attribute}]`)) element.setAttribute(target, text(element.getAttribute(attribute) ?? ''));
  }
}

/**
 * @param {string} key @param {Record<string, string | number>} [values] numbers are written as the language does
 * @returns {string}
 */
export function text(key, values = {}) {
  const template = catalogue[key] ?? key;
  return template.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    return typeof value === 'number' ? number(value) : String(value ?? whole);
  });
}

/** @param {number} value @param {Intl.NumberFormatOptions} [options] */
export function number(value, options) {
  return new Intl.NumberFormat(document.documentElement.lang, options).format(value);
}

/** @param {number} at ms since 1970 */
export function timeOfDay(at) {
  return new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: 'short' }).format(at);
}

/** @param {unknown} error @returns {string} */
export function errorText(error) {
  const code = /** @type {{code?: string}} */ (error)?.code ?? 'internal';
  return catalogue[`error.${code}`] ?? text('error.other', { code });
}
