/** Commands of keys and buttons to panels elsewhere on the page. */

import { signal } from "@preact/signals";

import { setPaused } from "../core/frame.js";

/** Whether all moving content is paused (WCAG 2.2.2). */
export const isPaused = signal(false);

export function togglePaused() {
  isPaused.value = !isPaused.value;
  setPaused(isPaused.value);
}

/** The number of requests to centre the ladder on the market. */
export const centred = signal(0);

export function centre() {
  centred.value += 1;
}

/** Whether trading hotkeys and clicks in the ladder place orders. Not kept after a reload. */
export const armed = signal(false);
