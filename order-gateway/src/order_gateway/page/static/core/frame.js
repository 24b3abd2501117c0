/**
 * Paints once a frame: a change calls `mark`, and each painter runs at most once a frame.
 *
 * A hidden tab gets no frames, so painters rest there and show the newest state on return.
 */

/** @type {Set<() => void>} */
const dirty = new Set();
let scheduled = false;
let paused = false;

/** @param {() => void} paint */
export function mark(paint) {
  dirty.add(paint);
  if (!scheduled && !paused) {
    scheduled = true;
    requestAnimationFrame(flush);
  }
}

/**
 * Forget a painter whose panel has closed.
 * @param {() => void} paint
 */
export function unmark(paint) {
  dirty.delete(paint);
}

/**
 * Stop all painters, or start them again (WCAG 2.2.2: a reader can pause moving content).
 * @param {boolean} wanted
 */
export function setPaused(wanted) {
  paused = wanted;
  if (!paused && dirty.size > 0 && !scheduled) {
    scheduled = true;
    requestAnimationFrame(flush);
  }
}

function flush() {
  scheduled = false;
  if (paused) return;
  const painters = [...dirty];
  dirty.clear();
  for (const paint of painters) {
    try {
      paint();
    } catch (error) {
      reportError(error); // the other panels are painted all the same
    }
  }
}
