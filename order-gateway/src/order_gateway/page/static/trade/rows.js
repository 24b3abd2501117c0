/** Rows of tables without components: nodes are made once, later only texts change. */

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

/** A class of an element, which is written only when its presence changes. */
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

/** An empty row is hidden from screen readers. */
export class Blank {
  /** @param {Element} row */
  constructor(row) {
    this.#row = row;
    this.set(true);
  }

  #row;
  #on = false;

  /** @param {boolean} on */
  set(on) {
    if (on === this.#on) return;
    this.#on = on;
    if (on) this.#row.setAttribute("aria-hidden", "true");
    else this.#row.removeAttribute("aria-hidden");
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
    // The share is for pixels only, so a thousandth is precise enough.
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

const PAGE_ROWS = 5;

/** Tab reaches one button of a table; arrows, Page, Home and End move to other buttons. */
export class Roving {
  /** @param {HTMLElement} host */
  constructor(host) {
    host.addEventListener("keydown", this.#pressed);
  }

  /** @type {HTMLButtonElement[]} */
  #buttons = [];
  #index = 0;

  /** @param {HTMLButtonElement[]} buttons */
  setButtons(buttons) {
    this.#buttons = buttons;
    for (const button of buttons) button.tabIndex = -1;
    this.moveTo(this.#index, false);
  }

  /** After painting: if the button of Tab is disabled, the nearest enabled button replaces it. */
  settle() {
    if (this.#buttons[this.#index]?.disabled) this.moveTo(this.#index, false);
  }

  /**
   * Rows keep their place while prices move, so that the focus stays on its row.
   * @param {number} index
   * @param {boolean} andFocus
   * @param {1 | -1} [direction] where to look further if that button is disabled
   */
  moveTo(index, andFocus, direction = 1) {
    const last = this.#buttons.length - 1;
    const start = Math.min(Math.max(index, 0), last);
    const found = this.#enabled(start, direction) ?? this.#enabled(start, direction > 0 ? -1 : 1);
    const before = this.#buttons[this.#index];
    if (before) before.tabIndex = -1;
    this.#index = found ?? Math.max(start, 0);
    const next = this.#buttons[this.#index];
    if (!next) return;
    next.tabIndex = 0;
    if (andFocus) next.focus();
  }

  /**
   * @param {number} index
   * @param {1 | -1} direction
   */
  #enabled(index, direction) {
    for (let place = index; place >= 0 && place < this.#buttons.length; place += direction) {
      if (!this.#buttons[place].disabled) return place;
    }
    return null;
  }

  #pressed = (/** @type {KeyboardEvent} */ event) => {
    const moves = /** @type {Record<string, number>} */ ({
      ArrowUp: -1, ArrowDown: 1, PageUp: -PAGE_ROWS, PageDown: PAGE_ROWS,
      Home: -this.#buttons.length, End: this.#buttons.length,
    });
    const move = moves[event.key];
    if (move === undefined) return;
    event.preventDefault();
    this.moveTo(this.#index + move, true, move > 0 ? 1 : -1);
  };
}
