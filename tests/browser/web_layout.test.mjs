// tests/browser/web_layout.test.mjs: where the tiles stand, for every number of people and many sizes of window.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layout } from '../../server/web/app/layout.js';

const STAGES = [[1264, 570], [374, 720], [308, 520], [920, 570], [1904, 960], [800, 300], [300, 260], [3824, 2010]]; // the last one: 4K
const people = (count, focus = -1) => Array.from({ length: count }, (_, i) => ({ key: `p${i}`, own: i === count - 1, person: true, focus: i === focus, rank: i }));

/** Inside the stage and not over one another; the inset lies over the picture on purpose. */
function assertPlaced({ boxes, more }, width, height, what) {
  const list = [...boxes.values(), ...(more ? [more] : [])];
  for (const b of list) {
    assert.ok(b.left >= 0 && b.top >= 0 && b.left + b.width <= width + 1 && b.top + b.height <= height + 1, `${what}: ${JSON.stringify(b)} outside`);
    assert.ok(b.width >= 40 && b.height >= 30, `${what}: ${JSON.stringify(b)} too small`);
  }
  const solid = list.filter((b) => b.role !== 'inset');
  for (const [i, a] of solid.entries()) {
    for (const b of solid.slice(i + 1)) {
      const apart = a.left + a.width <= b.left + 1 || b.left + b.width <= a.left + 1 || a.top + a.height <= b.top + 1 || b.top + b.height <= a.top + 1;
      assert.ok(apart, `${what}: ${JSON.stringify(a)} over ${JSON.stringify(b)}`);
    }
  }
}

test('everybody stands inside the stage, nobody over another', () => {
  for (const [width, height] of STAGES) {
    for (let count = 1; count <= 20; count++) {
      assertPlaced(layout(width, height, people(count)), width, height, `${count} in ${width}×${height}`);
      if (count > 1) assertPlaced(layout(width, height, people(count, 0)), width, height, `focus, ${count} in ${width}×${height}`);
    }
  }
});

test('two people: the other fills the stage, oneself is small in the corner', () => {
  const { mode, boxes } = layout(1264, 570, people(2));
  assert.equal(mode, 'pair');
  assert.deepEqual(boxes.get('p0'), { left: 0, top: 0, width: 1264, height: 570, role: 'grid' });
  assert.equal(boxes.get('p1').role, 'inset');
  assert.ok(boxes.get('p1').width < 300);
});

test('the grid uses the space: at least half of it in a usual window, in rows that are alike', () => {
  for (const count of [3, 4, 5, 6, 9, 12]) {
    for (const [width, height] of [[1264, 570], [374, 720], [1904, 960]]) {
      const { boxes } = layout(width, height, people(count));
      const area = [...boxes.values()].reduce((sum, b) => sum + b.width * b.height, 0);
      assert.ok(area / (width * height) > 0.5, `${count} in ${width}×${height}: ${(area / (width * height)).toFixed(2)}`);
      assert.equal(new Set([...boxes.values()].map((b) => `${b.width}×${b.height}`)).size, 1);
    }
  }
});

test('no picture is cropped beyond reason', () => {
  for (const [width, height] of STAGES) {
    for (let count = 3; count <= 20; count++) {
      for (const b of layout(width, height, people(count)).boxes.values()) {
        const shape = b.width / b.height;
        assert.ok(shape <= 1.81 && shape >= 0.69, `${count} in ${width}×${height}: ${shape.toFixed(2)}`);
      }
    }
  }
});

test('a shared screen is large, faces in a strip; who does not fit is counted', () => {
  for (const [width, height] of STAGES) {
    for (const count of [2, 3, 5, 9, 20]) {
      const { mode, boxes, hidden, more } = layout(width, height, people(count, 0));
      const screen = boxes.get('p0');
      assert.equal(mode, 'focus');
      assert.ok((screen.width * screen.height) / (width * height) > 0.5, `${count} in ${width}×${height}`);
      assert.equal(boxes.size + hidden.length, count);
      assert.equal(more !== null, hidden.length > 0);
    }
  }
});

test('of many, the strip keeps those of the highest rank, in their order', () => {
  const items = people(12, 0).map((p, i) => ({ ...p, rank: p.own ? -1 : i % 2 }));
  const { boxes, hidden } = layout(1264, 400, items);
  assert.ok(hidden.includes('p11'), 'oneself goes first');
  const shown = [...boxes.keys()].slice(1);
  assert.deepEqual(shown, [...shown].sort((a, b) => Number(a.slice(1)) - Number(b.slice(1))));
  assert.ok(shown.every((k) => Number(k.slice(1)) % 2 === 1 || hidden.every((h) => h === 'p11' || Number(h.slice(1)) % 2 === 0)));
});
