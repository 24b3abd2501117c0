/** Rows of tables that are painted by hand: nodes are made once, later only texts change. */

/**
 * A cell's text node that is written only when its text changes.
 */
export class Text {
  /** @param {Node} parent */
  constructor(parent) {
    this.node = document.createTextNode("");
    parent.appendChild(this.node);
    this.#shown = "";
  }

  #shown;

  /** @param {string} text */
  set(text) {
    if (text === this.#shown) return;
    this.#shown = text;
    this.node.data = text;
  }
}

/** A class of an element that is switched only when it changes. */
export class Flag {
  /**
   * @param {Element} element
   * @param {string} name
   */
  constructor(element, name) {
    this.#element = element;
    this.#name = name;
    this.#on = false;
  }

  #element;
  #name;
  #on;

  /** @param {boolean} on */
  set(on) {
    if (on === this.#on) return;
    this.#on = on;
    this.#element.classList.toggle(this.#name, on);
  }
}

/** A bar behind a cell, as a share of its row. */
export class Bar {
  /** @param {Element} cell */
  constructor(cell) {
    this.#element = document.createElement("span");
    this.#element.className = "bar";
    this.#element.setAttribute("aria-hidden", "true");
    cell.appendChild(this.#element);
  }

  #element;
  #shown = -1;

  /**
   * @param {bigint} part
   * @param {bigint} whole
   */
  set(part, whole) {
    // Pixels, not money: a thousandth is finer than a screen shows.
    const share = whole > 0n ? Number((part * 1000n) / whole) / 1000 : 0;
    if (share === this.#shown) return;
    this.#shown = share;
    this.#element.style.transform = `scaleX(${share})`;
  }
}

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {string} [className]
 * @param {Node} [parent]
 * @returns {HTMLElementTagNameMap[T]}
 */
export function make(tag, className, parent) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  parent?.appendChild(element);
  return element;
}
