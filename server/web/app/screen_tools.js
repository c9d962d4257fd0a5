// server/web/app/screen_tools.js: full screen and picture in picture, where the browser has them.

import { text } from './i18n.js';
import { toastError } from './toast.js';

/** @typedef {import('./menu.js').MenuItem} MenuItem */
/** @typedef {import('./tile.js').Tile} Tile */

const unsupported = () => toastError({ code: 'not_supported' });

/** The whole page, so that controls, menus and messages stay in sight. */
export function toggleFullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else if (document.fullscreenEnabled) document.documentElement.requestFullscreen().catch(unsupported);
  else unsupported();
}

/** @returns {MenuItem[]} */
export function fullScreenItem() {
  if (!document.fullscreenEnabled) return [];
  const on = document.fullscreenElement !== null;
  return [{ icon: on ? 'full-off' : 'full', words: text(on ? 'menu.fullScreenOff' : 'menu.fullScreen'), action: 'full-screen', act: toggleFullScreen }];
}

/** One picture alone on the screen. @param {Tile} tile @returns {MenuItem[]} */
export function tileScreenItems(tile) {
  if (!tile.element.classList.contains('has-video')) return [];
  /** @type {MenuItem[]} */
  const items = [];
  if (document.fullscreenElement === tile.element) {
    items.push({ icon: 'full-off', words: text('menu.fullScreenOff'), action: 'full-screen', act: () => document.exitFullscreen() });
  } else if (document.fullscreenEnabled) {
    items.push({ icon: 'full', words: text('menu.fullScreen'), action: 'full-screen', act: () => tile.element.requestFullscreen().catch(unsupported) });
  }
  if (document.pictureInPictureEnabled) {
    const inside = document.pictureInPictureElement === tile.video;
    items.push({
      icon: 'pip', words: text(inside ? 'menu.pipOff' : 'menu.pip'), action: 'pip',
      act: () => (inside ? document.exitPictureInPicture() : tile.video.requestPictureInPicture()).catch(unsupported),
    });
  }
  return items;
}
