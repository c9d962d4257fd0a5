// tests/browser/lib/browsers.mjs: Chromium and Firefox with fake devices, and what a test asks a page in the call.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import puppeteer from 'puppeteer-core';

const CHROMIUM = '/usr/bin/chromium';
const FIREFOX = '/usr/bin/firefox-esr';

const CHROMIUM_FLAGS = [
  '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-features=MediaRouter,OptimizationHints',
  '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream=fps=30', '--auto-select-desktop-capture-source=Entire screen',
  '--auto-accept-this-tab-capture', '--autoplay-policy=no-user-gesture-required', '--disable-background-timer-throttling',
  '--disable-renderer-backgrounding', '--disable-backgrounding-occluded-windows', '--mute-audio',
];

const FIREFOX_PREFS = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.getdisplaymedia.enabled': true,
  'media.peerconnection.ice.loopback': true,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'media.autoplay.default': 0,
  'media.autoplay.blocking_policy': 0,
  'media.gmp-manager.updateEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'app.normandy.enabled': false,
  'browser.region.update.enabled': false,
  'intl.accept_languages': 'en',
};

/**
 * `wrap` gives another program to start in place of the browser's, such as one that runs it on another host (hosts.mjs):
 * Chromium is then driven by a pipe, because its ports are that host's; Firefox, by a port that is forwarded.
 * `authority`: a file with a certificate that Firefox shall trust to vouch for others (needs certutil).
 * @param {'chromium' | 'firefox'} kind
 */
export async function launch(kind, { args = [], prefs = {}, viewport = { width: 1280, height: 720 }, wrap, authority } = {}) {
  const userDataDir = fs.mkdtempSync(path.join(os.tmpdir(), `consilium-${kind}-`));
  if (authority) {
    const certutil = (...words) => execFileSync('certutil', ['-d', `sql:${userDataDir}`, ...words]);
    certutil('-N', '--empty-password');
    certutil('-A', '-n', 'test', '-t', 'C,,', '-i', authority);
  }
  const common = { userDataDir, headless: true, protocolTimeout: 120_000, defaultViewport: viewport };
  const browser = await puppeteer.launch(
    kind === 'firefox'
      ? { ...common, browser: 'firefox', executablePath: wrap ? wrap(FIREFOX) : FIREFOX, acceptInsecureCerts: wrap !== undefined, extraPrefsFirefox: { ...FIREFOX_PREFS, ...prefs }, args }
      : { ...common, headless: false, pipe: wrap !== undefined, executablePath: wrap ? wrap(CHROMIUM) : CHROMIUM, args: [...CHROMIUM_FLAGS, ...args], env: { ...process.env, LANG: 'en_US.UTF-8' } },
  );
  browser.once('disconnected', () => fs.rm(userDataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 }, () => {}));
  return browser;
}

/** A page in the room, joined without a click. */
export class Member {
  /**
   * @param {import('puppeteer-core').Browser} browser @param {string} url
   * @param {{room: string, name: string, role?: string, camera?: {width: number, height: number, frameRate: number}}} who
   *   `camera`: a weaker camera than the page asks for, and sound as it comes; many browsers share one machine here
   * @param {Record<string, string>} [extra] further query fields
   * @param {(page: import('puppeteer-core').Page) => Promise<unknown>} [prepare] before the page is opened
   */
  static async join(browser, url, { room, name, role = 'doctor', camera }, extra = {}, prepare = async () => {}) {
    // A window of its own: a page in the background counts as not looking, and is sent no video.
    const context = await browser.createBrowserContext();
    const page = await context.newPage();
    const member = new Member(page, name, context);
    if (camera) {
      await page.evaluateOnNewDocument((weak) => {
        if (!navigator.mediaDevices) return; // a blank page
        const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
        navigator.mediaDevices.getUserMedia = (wish) => open({
          ...wish, ...(wish.video && { video: { ...wish.video, ...weak } }), ...(wish.audio && { audio: { ...wish.audio, ...audio } }),
        });
      }, camera);
    }
    const query = new URLSearchParams({ room, name, role, autojoin: '1', lang: 'en', ...extra });
    await prepare(page);
    await page.goto(`${url}/?${query}`);
    await member.waitFor(() => window.consilium?.room?.localParticipant.id, 'joined');
    return member;
  }

  constructor(page, name, context) {
    this.page = page;
    this.context = context;
    this.name = name;
    this.errors = [];
    page.on('pageerror', (error) => this.errors.push(String(error)));
    page.on('console', (message) => ['error', 'warn', 'warning'].includes(message.type()) && this.errors.push(`${message.type()}: ${message.text()}`));
  }

  /** Waits in the page until `predicate` is true; says in words what did not come about. */
  async waitFor(predicate, what, { timeout = 20_000 } = {}, ...args) {
    try {
      await this.page.waitForFunction(predicate, { timeout, polling: 50 }, ...args);
    } catch (error) {
      throw new Error(`${this.name}: not ${what} within ${timeout} ms: ${error.message}; page says ${JSON.stringify(this.errors.slice(-5))}`);
    }
  }

  evaluate(body, ...args) {
    return this.page.evaluate(body, ...args);
  }

  /** Waits until the remote videos of `count` others show pictures. */
  seesVideos(count, options) {
    return this.waitFor(
      (n) => [...document.querySelectorAll('video[data-participant]')].filter((v) => v.srcObject && v.videoWidth > 0 && v.readyState >= 2 && !v.dataset.own).length >= n,
      `seeing ${count} videos`, options, count,
    );
  }

  /** Begins to count presented frames and gaps on every remote video; call watched() for the result. */
  async watch() {
    await this.evaluate(() => {
      window.watched = new Map();
      for (const video of document.querySelectorAll('video[data-participant]')) {
        if (video.dataset.own) continue;
        const seen = { frames: 0, last: performance.now(), longest: 0, began: performance.now(), first: 0 };
        window.watched.set(`${video.dataset.participant} ${video.dataset.source}`, seen);
        const next = (now) => {
          seen.longest = Math.max(seen.longest, now - seen.last);
          seen.last = now;
          seen.frames++;
          video.requestVideoFrameCallback(next);
        };
        video.requestVideoFrameCallback(next);
      }
    });
  }

  /** @returns {Promise<Record<string, {fps: number, longest: number}>>} by "participant source" */
  watched() {
    return this.evaluate(() => {
      const now = performance.now();
      return Object.fromEntries([...window.watched].map(([key, s]) => [key, { fps: (s.frames * 1000) / (now - s.began), longest: Math.max(s.longest, now - s.last) }]));
    });
  }

  /** Inbound RTP as the browser counts it, by mid. */
  inbound() {
    return this.evaluate(async () => {
      const result = {};
      for (const report of (await window.consilium.room.getStats()).values()) {
        if (report.type !== 'inbound-rtp') continue;
        result[report.mid ?? report.trackIdentifier] = {
          kind: report.kind, packets: report.packetsReceived, lost: report.packetsLost, frames: report.framesDecoded ?? 0, freezes: report.freezeCount ?? 0,
          frozen: report.totalFreezesDuration ?? 0, level: report.audioLevel ?? 0, energy: report.totalAudioEnergy ?? 0, concealed: report.concealedSamples ?? 0,
          samples: report.totalSamplesReceived ?? 0, width: report.frameWidth ?? 0, height: report.frameHeight ?? 0, keyframes: report.keyFramesDecoded ?? 0,
        };
      }
      return result;
    });
  }

  /** Frames per second that this member's camera encodes (its best layer). */
  sentFps() {
    return this.evaluate(async () => {
      let fps = 0;
      for (const report of (await window.consilium.room.getStats()).values()) {
        if (report.type === 'outbound-rtp' && report.kind === 'video') fps = Math.max(fps, report.framesPerSecond ?? 0);
      }
      return fps;
    });
  }

  /** Frames that this member's camera has encoded so far, in its busiest layer. */
  sentFrames() {
    return this.evaluate(async () => {
      const frames = [...(await window.consilium.room.getStats()).values()].filter((r) => r.type === 'outbound-rtp' && r.kind === 'video').map((r) => r.framesEncoded ?? 0);
      return Math.max(0, ...frames);
    });
  }

  async click(selector) {
    await this.page.bringToFront(); // a window behind others draws slowly
    await this.page.waitForSelector(selector, { visible: true });
    await this.#standsStill(selector);
    await this.page.click(selector);
  }

  /** Waits until what is to be clicked has been at one place for two paintings: a tile moves to a new place for a while. */
  async #standsStill(selector) {
    await this.evaluate((wanted) => new Promise((resolve) => {
      let before = '';
      const look = () => {
        const at = JSON.stringify(document.querySelector(wanted)?.getBoundingClientRect());
        if (at !== undefined && at === before) return resolve(undefined);
        before = at;
        requestAnimationFrame(() => requestAnimationFrame(look));
      };
      look();
    }), selector);
  }

  /** Types as a user would: only the window in front gets the keys. */
  async type(selector, words, key) {
    await this.page.bringToFront();
    await this.page.focus(selector);
    await this.page.keyboard.type(words);
    if (key) await this.page.keyboard.press(key);
  }

  /** Chooses from the menu of a button. */
  async choose(button, action) {
    await this.click(button);
    await this.click(`.menu [data-action="${action}"]`);
  }

  /** Warnings and errors of the page since the last call. */
  takeErrors() {
    return this.errors.splice(0);
  }

  async screenshot(name) {
    const folder = new URL('../artefacts/', import.meta.url);
    fs.mkdirSync(folder, { recursive: true });
    await this.page.screenshot({ path: new URL(`${name}.png`, folder).pathname });
  }

  close() {
    return this.context.close();
  }
}
