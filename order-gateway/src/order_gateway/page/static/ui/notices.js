/** Short notices for the trader; screen readers get them at most once a second. */

import { signal } from "@preact/signals";

const SHOWN_MAX = 4;
const SHOWN_FOR_MS = { good: 6_000, info: 6_000, bad: 15_000 };
const SPOKEN_INTERVAL_MS = 1_000;

/** @typedef {"good" | "bad" | "info"} Kind */
/** @typedef {{id: number, kind: Kind, text: string}} Notice */

/** Newest first. */
export const notices = signal(/** @type {Notice[]} */ ([]));
/** The text of the live region: all notices of the last second. */
export const spoken = signal("");

let nextId = 1;
/** @type {string[]} */
let waiting = [];
let speaking = false;

/**
 * @param {Kind} kind
 * @param {string} text
 */
export function notify(kind, text) {
  const notice = { id: nextId, kind, text };
  nextId += 1;
  notices.value = [notice, ...notices.value].slice(0, SHOWN_MAX);
  setTimeout(() => dismiss(notice.id), SHOWN_FOR_MS[kind]);
  say(text);
}

/** @param {number} id */
export function dismiss(id) {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

/**
 * Give a text to screen readers without showing it.
 * @param {string} text
 */
export function say(text) {
  waiting.push(text);
  if (speaking) return;
  speaking = true;
  setTimeout(speak, 50);
}

function speak() {
  if (waiting.length === 0) {
    speaking = false;
    return;
  }
  const more = waiting.length - 2;
  spoken.value = waiting.slice(0, 2).join(" ") + (more > 0 ? ` And ${more} more events.` : "");
  waiting = [];
  setTimeout(speak, SPOKEN_INTERVAL_MS);
}
