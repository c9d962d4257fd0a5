// server/web/admin/keyed.js: a list of elements that follows a list of things, second by second: elements stay, so that
// focus, selection and what is unfolded stay too.

/**
 * @template T
 * @param {HTMLElement} parent @param {T[]} things @param {(thing: T) => string} keyOf
 * @param {(thing: T) => HTMLElement} create @param {(element: HTMLElement, thing: T) => void} update
 */
export function follow(parent, things, keyOf, create, update) {
  const known = new Map([...parent.children].map((e) => [/** @type {HTMLElement} */ (e).dataset.key, /** @type {HTMLElement} */ (e)]));
  /** @type {ChildNode | null} */
  let next = parent.firstChild;
  for (const thing of things) {
    const key = keyOf(thing);
    let element = known.get(key);
    known.delete(key);
    if (!element) {
      element = create(thing);
      element.dataset.key = key;
    }
    if (element === next) next = next.nextSibling;
    else parent.insertBefore(element, next);
    update(element, thing);
  }
  for (const gone of known.values()) gone.remove();
}

/** Changes the text only when it differs: a screen reader is not told the same again. @param {Element | null} element @param {string} words */
export function setText(element, words) {
  if (element && element.textContent !== words) element.textContent = words;
}

/**
 * The body of a table: a row for each thing, cells by text. A cell may say that it is bad.
 * @param {HTMLTableSectionElement} body @param {{key: string, cells: (string | {words: string, bad: boolean})[], silent?: boolean}[]} rows
 */
export function fillRows(body, rows) {
  follow(body, rows, (r) => r.key, () => document.createElement('tr'), (element, row) => {
    element.classList.toggle('silent', row.silent ?? false);
    while (element.children.length < row.cells.length) element.append(document.createElement('td'));
    for (const [i, cell] of row.cells.entries()) {
      const { words, bad } = typeof cell === 'string' ? { words: cell, bad: false } : cell;
      setText(element.children[i], words);
      element.children[i].classList.toggle('bad', bad);
    }
  });
}
