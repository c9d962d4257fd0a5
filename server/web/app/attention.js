// server/web/app/attention.js: draws attention to a page that nobody looks at: a flashing title and the system's notification.

const FLASH_MS = 1000;

/** @param {string} words @returns {() => void} puts the title back */
export function flashTitle(words) {
  const before = document.title;
  document.title = words;
  const timer = setInterval(() => (document.title = document.title === words ? before : words), FLASH_MS);
  return () => {
    clearInterval(timer);
    document.title = before;
  };
}

/** Whether it makes sense to ask. */
export function mayAskToNotify() {
  return 'Notification' in window && Notification.permission === 'default';
}

/** Must be called in a gesture. @returns {Promise<boolean>} */
export async function askToNotify() {
  return (await Notification.requestPermission()) === 'granted';
}

/**
 * Only where the user has allowed it, and is not looking at the page.
 * @param {string} title @param {string} body @param {string} tag the same tag replaces, rather than adds
 * @returns {() => void} takes it back
 */
export function notify(title, body, tag) {
  if (!('Notification' in window) || Notification.permission !== 'granted' || document.visibilityState === 'visible') return () => {};
  try {
    const notification = new Notification(title, { body, tag, requireInteraction: true });
    notification.onclick = () => {
      window.focus();
      notification.close();
    };
    return () => notification.close();
  } catch {
    return () => {}; // phones want a service worker for it
  }
}
