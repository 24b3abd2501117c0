/** The preferences that this browser keeps: the look of the page, never a key. */

import { effect, signal } from "@preact/signals";

const PREFIX = "tapewire.";

/**
 * A signal whose value survives a reload, if the browser permits storage.
 * @template {string} T
 * @param {string} name
 * @param {T} initial
 * @param {readonly T[] | null} [allowed] other stored values are ignored
 */
export function kept(name, initial, allowed = null) {
  const stored = /** @type {T | null} */ (read(name));
  const usable = stored !== null && (allowed === null || allowed.includes(stored));
  const value = signal(usable ? stored : initial);
  effect(() => write(name, value.value));
  return value;
}

/** @param {string} name */
function read(name) {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null; // the browser keeps nothing for this page
  }
}

/**
 * @param {string} name
 * @param {string} value
 */
function write(name, value) {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // The browser keeps nothing, so the choice lasts until the page is closed.
  }
}

/** @typedef {"auto" | "dark" | "light"} Theme */

export const THEMES = /** @type {const} */ (["auto", "dark", "light"]);
export const PALETTES = /** @type {const} */ (["green-red", "blue-orange"]);
export const BOOK_VIEWS = /** @type {const} */ (["spread", "ladder"]);
export const INTERVALS = /** @type {const} */ (
  ["1m", "5m", "15m", "30m", "1h", "4h", "12h", "1d", "1w"]
);

export const theme = kept("theme", "auto", THEMES);
export const palette = kept("palette", "green-red", PALETTES);
export const bookView = kept("book-view", "spread", BOOK_VIEWS);
export const interval = kept("interval", "1m", INTERVALS);
export const lastSymbol = kept("symbol", /** @type {string} */ (""));
export const lastAccount = kept("account", /** @type {string} */ ("demo"));

effect(() => {
  document.documentElement.dataset.theme = theme.value;
});
effect(() => {
  document.documentElement.dataset.palette = palette.value;
});
