// server/web/app/layout.js: where each tile goes. Pure numbers: the stage's size and the tiles in, boxes in pixels out.
//
//   focus  one shared screen or pinned picture large, the others in a strip at its side (below, on a tall stage)
//   pair   two people: the other large, oneself small in the corner
//   grid   everybody alike: as many columns as make the pictures largest

const GAP = 8;
/** A picture is never cropped beyond these (width / height). */
const WIDEST = 16 / 9;
const NARROWEST = 1;
const NARROWEST_TALL_STAGE = 0.72;

/** @typedef {{key: string, own?: boolean, focus?: boolean, person?: boolean, rank?: number}} Item `rank`: where not all fit, the highest stay */
/** @typedef {{left: number, top: number, width: number, height: number, role: 'focus' | 'inset' | 'strip' | 'grid'}} Box */
/** @typedef {{mode: 'focus' | 'pair' | 'grid', boxes: Map<string, Box>, hidden: string[], more: Box | null}} Layout */

/** @param {number} value @param {number} low @param {number} high */
const clamp = (value, low, high) => Math.max(low, Math.min(high, value));

/**
 * @param {number} width @param {number} height of the stage
 * @param {Item[]} items in reading order; what does not fit the strip is hidden
 * @returns {Layout}
 */
export function layout(width, height, items) {
  const focus = items.find((i) => i.focus);
  if (focus && items.length > 1) return focusLayout(width, height, focus, items.filter((i) => i !== focus));
  const own = items.find((i) => i.own);
  const other = items.find((i) => i.person && !i.own);
  if (items.length === 2 && own && other) return pairLayout(width, height, own, other);
  return gridLayout(width, height, items);
}

/** @param {number} width @param {number} height @param {Item} own @param {Item} other @returns {Layout} */
function pairLayout(width, height, own, other) {
  const tall = height > width;
  const insetWidth = Math.round(tall ? clamp(width * 0.28, 76, 200) : clamp(width * 0.2, 120, Math.max(260, width * 0.14)));
  const insetHeight = Math.round(tall ? insetWidth * 1.33 : insetWidth * 0.625);
  const margin = width < 480 ? GAP : 2 * GAP;
  const boxes = new Map([
    [other.key, box(0, 0, width, height, 'grid')],
    [own.key, box(width - insetWidth - margin, height - insetHeight - margin, insetWidth, insetHeight, 'inset')],
  ]);
  return { mode: 'pair', boxes, hidden: [], more: null };
}

/** @param {number} width @param {number} height @param {Item[]} items @returns {Layout} */
function gridLayout(width, height, items) {
  const narrowest = height > width ? NARROWEST_TALL_STAGE : NARROWEST;
  let best = { area: -1, columns: 1, w: 0, h: 0 };
  for (let columns = 1; columns <= items.length; columns++) {
    const rows = Math.ceil(items.length / columns);
    let w = (width - GAP * (columns - 1)) / columns;
    let h = (height - GAP * (rows - 1)) / rows;
    if (w > h * WIDEST && items.length > 1) w = h * WIDEST;
    if (w < h * narrowest && items.length > 1) h = w / narrowest;
    if (w * h > best.area) best = { area: w * h, columns, w, h };
  }
  const { columns, w, h } = best;
  const rows = Math.ceil(items.length / columns);
  const top = (height - rows * h - (rows - 1) * GAP) / 2;
  /** @type {Map<string, Box>} */ const boxes = new Map();
  for (const [i, item] of items.entries()) {
    const row = Math.floor(i / columns);
    const inRow = row === rows - 1 ? items.length - row * columns : columns;
    const left = (width - inRow * w - (inRow - 1) * GAP) / 2; // a last row that is not full stands in the middle
    boxes.set(item.key, box(left + (i % columns) * (w + GAP), top + row * (h + GAP), w, h, 'grid'));
  }
  return { mode: 'grid', boxes, hidden: [], more: null };
}

/** @param {number} width @param {number} height @param {Item} focus @param {Item[]} others @returns {Layout} */
function focusLayout(width, height, focus, others) {
  const beside = width > height * 1.15;
  const room = beside ? height : width;
  const each = (room + GAP) / others.length - GAP; // what each face may take along the strip if all shall fit
  const long = beside ? clamp(each, 78, Math.max(150, height * 0.16)) : clamp(each, 76, 200);
  const thick = beside ? Math.min(long * WIDEST, width * 0.25) : clamp(long / 1.25, 76, height * 0.2);
  const fit = Math.max(1, Math.floor((room + GAP) / (long + GAP)));
  const count = others.length <= fit ? others.length : fit - 1;
  const chosen = new Set([...others].sort((a, b) => (b.rank ?? 0) - (a.rank ?? 0)).slice(0, count));
  const shown = others.filter((o) => chosen.has(o));
  const hidden = others.filter((o) => !chosen.has(o));
  /** @type {Map<string, Box>} */ const boxes = new Map();
  boxes.set(focus.key, beside ? box(0, 0, width - thick - GAP, height, 'focus') : box(0, 0, width, height - thick - GAP, 'focus'));
  const cells = shown.length + (hidden.length > 0 ? 1 : 0);
  // Few faces stand in the middle of the strip.
  const start = Math.max(0, (room - cells * long - (cells - 1) * GAP) / 2);
  /** @param {number} i */
  const cell = (i) => {
    const at = start + i * (long + GAP);
    return beside ? box(width - thick, at, thick, long, 'strip') : box(at, height - thick, long, thick, 'strip');
  };
  for (const [i, item] of shown.entries()) boxes.set(item.key, cell(i));
  return { mode: 'focus', boxes, hidden: hidden.map((o) => o.key), more: hidden.length > 0 ? cell(shown.length) : null };
}

/** @param {number} left @param {number} top @param {number} width @param {number} height @param {Box['role']} role @returns {Box} */
function box(left, top, width, height, role) {
  return { left: Math.round(left), top: Math.round(top), width: Math.floor(width), height: Math.floor(height), role };
}
