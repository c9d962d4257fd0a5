// server/web/app/content_box.js: where the picture itself lies in its element: `cover` shows less than the whole of it,
// `contain` leaves bars. Pure numbers.

/** @typedef {{left: number, top: number, width: number, height: number}} Box in pixels of the element */

/**
 * @param {number} width @param {number} height of the element
 * @param {number} pictureWidth @param {number} pictureHeight as it was sent, in any unit
 * @param {string} fit `cover`, or anything else for `contain`
 * @returns {Box | null} null: there is no picture
 */
export function contentBox(width, height, pictureWidth, pictureHeight, fit) {
  if (!(width > 0 && height > 0 && pictureWidth > 0 && pictureHeight > 0)) return null;
  const [x, y] = [width / pictureWidth, height / pictureHeight];
  const scale = fit === 'cover' ? Math.max(x, y) : Math.min(x, y);
  const box = { width: pictureWidth * scale, height: pictureHeight * scale };
  return { left: (width - box.width) / 2, top: (height - box.height) / 2, ...box };
}

/** @param {Box} box @param {number} x @param {number} y @param {boolean} mirrored @returns {{x: number, y: number} | null} from 0 to 1; null: beside the picture */
export function toPicture(box, x, y, mirrored) {
  const place = { x: (x - box.left) / box.width, y: (y - box.top) / box.height };
  if (place.x < 0 || place.x > 1 || place.y < 0 || place.y > 1) return null;
  return mirrored ? { x: 1 - place.x, y: place.y } : place;
}

/** @param {Box} box @param {number} x @param {number} y from 0 to 1 @param {boolean} mirrored @returns {{left: number, top: number}} */
export function fromPicture(box, x, y, mirrored) {
  return { left: box.left + (mirrored ? 1 - x : x) * box.width, top: box.top + y * box.height };
}
