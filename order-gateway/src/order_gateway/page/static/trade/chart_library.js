/** Loads the library of the chart after the first paint, however often that takes. */

const NAME = "lightweight-charts";
const RETRY_DELAY_MS = 500;
const RETRY_DELAY_MAX_MS = 10_000;
// A page that was opened in a hidden tab may never report its first paint.
const PAINT_MAX_MS = 1_000;

let failures = 0;

/**
 * Load the library; try again until it is there.
 * @param {() => boolean} isWanted false once the chart has closed
 * @param {() => void} onFailure called after each attempt that failed
 * @returns {Promise<typeof import("lightweight-charts") | null>} null if it is no longer wanted
 */
export async function loadLibrary(isWanted, onFailure) {
  await firstPaint();
  for (let attempt = 0; isWanted(); attempt += 1) {
    try {
      const library = await import(address());
      return isWanted() ? library : null;
    } catch {
      failures += 1;
      if (isWanted()) onFailure();
    }
    const delayMs = Math.min(RETRY_DELAY_MS * 2 ** Math.min(attempt, 16), RETRY_DELAY_MAX_MS);
    await new Promise((resolve) => setTimeout(resolve, delayMs));
  }
  return null;
}

/** The library does not delay the first paint, also on a busy computer. */
function firstPaint() {
  return new Promise((resolve) => {
    setTimeout(resolve, PAINT_MAX_MS);
    new PerformanceObserver((_, observer) => {
      observer.disconnect();
      resolve(null);
    }).observe({ type: "paint", buffered: true });
  });
}

/** Browsers before 2026 remember that an address failed, so each attempt has its own. */
function address() {
  return failures === 0 ? NAME : `${import.meta.resolve(NAME)}?again=${failures}`;
}
