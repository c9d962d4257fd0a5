// server/web/app/call_errors.js: why a call could not be made, in words: the same codes mean other things elsewhere.

import { errorText, text } from './i18n.js';

/** @type {Record<string, string>} */
const WORDS = { rate_limited: 'calling.tooMany', busy: 'calling.tooManyAtOnce', forbidden: 'calling.notAllowed', bad_request: 'calling.noSuch' };

/** @param {unknown} error of calls.invite() @returns {string} */
export function callError(error) {
  const key = WORDS[/** @type {{code?: string}} */ (error)?.code ?? ''];
  return key ? text(key) : errorText(error);
}
