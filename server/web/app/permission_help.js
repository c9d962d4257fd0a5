// server/web/app/permission_help.js: how to allow camera and microphone, in the words of the browser at hand.

/** @typedef {'wechat' | 'ios' | 'android' | 'firefox' | 'safari' | 'edge' | 'chrome' | 'other'} Browser */

/** @param {string} [agent] @returns {Browser} */
export function browserOf(agent = navigator.userAgent) {
  if (/MicroMessenger/i.test(agent)) return 'wechat';
  if (/iPhone|iPad|iPod/.test(agent) || (/Macintosh/.test(agent) && navigator.maxTouchPoints > 1)) return 'ios';
  if (/Firefox\//.test(agent)) return 'firefox';
  if (/Android/.test(agent)) return 'android';
  if (/Edg\//.test(agent)) return 'edge';
  if (/Chrome\/|Chromium\//.test(agent)) return 'chrome';
  return /Safari\//.test(agent) ? 'safari' : 'other';
}
