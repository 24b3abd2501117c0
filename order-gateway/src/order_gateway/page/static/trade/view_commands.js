/** What keys and buttons ask of panels that they do not hold. */

import { signal } from "@preact/signals";

import { setPaused } from "../core/frame.js";

/** Whether all that moves by itself stands still (WCAG 2.2.2). */
export const isPaused = signal(false);

export function togglePaused() {
  isPaused.value = !isPaused.value;
  setPaused(isPaused.value);
}

/** Counts how often the ladder was asked to centre on the market. */
export const centred = signal(0);

export function centre() {
  centred.value += 1;
}

/** Whether keys and clicks in the ladder trade. Never kept: a page that opens is not armed. */
export const armed = signal(false);
