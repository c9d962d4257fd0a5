// server/web/app/preferences.js: what this browser remembers of its user's wishes; nothing about people or calls.

/** @typedef {'language' | 'view' | 'shortcuts' | 'theme'} Name */

/** @param {Name} name @returns {string | null} */
export function remembered(name) {
  try {
    return localStorage.getItem(`consilium.${name}`);
  } catch {
    return null; // storage may be forbidden; the wish then lasts as long as the page
  }
}

/** @param {Name} name @param {string} value */
export function remember(name, value) {
  try {
    localStorage.setItem(`consilium.${name}`, value);
  } catch {
    // as above
  }
}
