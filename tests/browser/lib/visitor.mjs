// tests/browser/lib/visitor.mjs: a page that is opened, not yet in a room: lobbies, calls, waiting.

import { Member } from './browsers.mjs';

export const PHONE = { width: 390, height: 844 };
/** Two browsers that encode share one machine here with the server. */
const WEAK = { width: 320, height: 180, frameRate: 10 };

export class Visitor extends Member {
  /**
   * @param {import('puppeteer-core').Browser} browser @param {string} url the whole link
   * @param {{name: string, viewport?: {width: number, height: number}, scheme?: 'light' | 'dark', prepare?: (page: import('puppeteer-core').Page) => Promise<unknown>}} who
   */
  static async open(browser, url, { name, viewport, scheme, prepare = async () => {} }) {
    const context = await browser.createBrowserContext();
    const page = await context.newPage();
    if (viewport) await page.setViewport(viewport);
    if (scheme) await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
    await page.evaluateOnNewDocument((weak) => {
      if (!navigator.mediaDevices) return; // a blank page
      const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = (wish) => open(wish.video ? { ...wish, video: { ...wish.video, ...weak } } : wish);
    }, WEAK);
    await prepare(page);
    const visitor = new Visitor(page, name, context);
    await page.goto(url);
    await visitor.waitFor(() => document.body.dataset.page, 'shown');
    return visitor;
  }

  /** One of the development server's people, ready for calls. */
  static async ready(browser, server, { identity, name, role, lang = 'en', ...how }) {
    const visitor = await Visitor.open(browser, `${server.url}/?${new URLSearchParams({ lobby: '1', identity, name, role, lang })}`, { name, ...how });
    await visitor.waitFor(() => document.querySelector('#home-state[data-state="online"]'), 'online');
    return visitor;
  }

  /** @param {string} page its name */
  sees(page, what = `on the page ${page}`) {
    return this.waitFor((name) => document.body.dataset.page === name, what, {}, page);
  }

  /** Somebody calls. */
  rings() {
    return this.waitFor(() => document.querySelector('dialog.called') && document.body.dataset.sound === 'ring', 'ringing');
  }

  silent() {
    return this.waitFor(() => !document.querySelector('dialog.called') && !document.body.dataset.sound, 'silent again');
  }

  /** @param {string} selector @returns {Promise<string>} */
  words(selector) {
    return this.evaluate((s) => document.querySelector(s)?.textContent ?? '', selector);
  }

  /** In the call, with a picture of the other one. */
  async inCall(others = 1) {
    await this.sees('room');
    await this.seesVideos(others);
  }
}
