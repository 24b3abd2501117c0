/** Levels of a book joined by price steps, as a screen shows them. Pure. */

/** @typedef {import("./book.js").Side} Side */
/** @typedef {{key: number, lots: bigint, total: bigint}} Row */

/**
 * The best rows of a side, best first; `total` is the sum up to the row. Bids are rounded down and
 * asks up, so that no row shows a better price than the book has.
 * @param {Side} side
 * @param {number} step in units of a price
 * @param {number} count
 * @returns {Row[]}
 */
export function groupSide(side, step, count) {
  /** @type {Row[]} */
  const rows = [];
  let total = 0n;
  for (const key of side.keys) {
    const group = groupOf(side.sign * key, side.sign, step);
    const last = rows.at(-1);
    const lots = /** @type {import("./book.js").KeptLevel} */ (side.levels.get(key)).lots;
    if (last !== undefined && last.key === group) {
      total += lots;
      last.lots += lots;
      last.total = total;
      continue;
    }
    if (rows.length === count) break;
    total += lots;
    rows.push({ key: group, lots, total });
  }
  return rows;
}

/**
 * The resting quantities between two prices, by grouped price.
 * @param {Side} side
 * @param {number} step
 * @param {number} low the lowest price that counts, included
 * @param {number} high the highest price that counts, included
 */
export function groupWindow(side, step, low, high) {
  const into = new Map(/** @type {[number, bigint][]} */ ([]));
  const worst = side.sign > 0 ? high : -low;
  for (const key of side.keys) {
    if (key > worst + step) break;
    const group = groupOf(side.sign * key, side.sign, step);
    if (group < low || group > high) continue;
    const lots = /** @type {import("./book.js").KeptLevel} */ (side.levels.get(key)).lots;
    into.set(group, (into.get(group) ?? 0n) + lots);
  }
  return into;
}

/**
 * The group of a price: bids (-1) down, asks (1) up.
 * @param {number} price
 * @param {1 | -1} sign
 * @param {number} step
 */
export function groupOf(price, sign, step) {
  return sign < 0 ? Math.floor(price / step) * step : Math.ceil(price / step) * step;
}

/**
 * Steps to offer: 1, 5, 10, 50, 100 ... ticks, up to a hundredth of the price.
 * @param {number} tick
 * @param {number} price
 */
export function stepsFor(tick, price) {
  const steps = [tick];
  for (let factor = 5; factor * tick <= Math.max(price / 100, tick) && steps.length < 8; ) {
    steps.push(factor * tick);
    factor *= String(factor).startsWith("5") ? 2 : 5;
  }
  return steps;
}

/**
 * The step with which `rows` rows show some levels of both sides.
 * @param {import("./book.js").Book} book
 * @param {number[]} steps to choose from, ascending
 * @param {number} rows
 */
export function fittingStep(book, steps, rows) {
  const far = [book.bids, book.asks].map(({ keys }) =>
    keys.length === 0 ? 0 : keys[Math.min(LEVELS_SHOWN, keys.length) - 1]);
  // Keys of bids are negated, so the sum is the distance between best bid and best ask.
  const distance = far[0] !== 0 && far[1] !== 0 ? far[0] + far[1] : 0;
  return steps.find((step) => step * rows >= distance) ?? steps[steps.length - 1];
}

const LEVELS_SHOWN = 6;

/**
 * The amount that a market order would pay or get, level by level.
 * @param {Side} side the side that is taken from
 * @param {bigint} quantity wanted, in lots of the last decimal
 * @returns {{amount: bigint, filled: bigint}} the amount in units of price x quantity
 */
export function sweep(side, quantity) {
  let amount = 0n;
  let filled = 0n;
  for (const key of side.keys) {
    if (filled >= quantity) break;
    const { lots } = /** @type {import("./book.js").KeptLevel} */ (side.levels.get(key));
    const taken = lots < quantity - filled ? lots : quantity - filled;
    amount += taken * BigInt(side.sign * key);
    filled += taken;
  }
  return { amount, filled };
}

/**
 * The quantity that an amount would buy, or that would have to be sold for it, level by level.
 * @param {Side} side the side that is taken from
 * @param {bigint} wanted in units of price x quantity
 * @returns {{amount: bigint, filled: bigint}}
 */
export function sweepAmount(side, wanted) {
  let amount = 0n;
  let filled = 0n;
  for (const key of side.keys) {
    const price = BigInt(side.sign * key);
    const { lots } = /** @type {import("./book.js").KeptLevel} */ (side.levels.get(key));
    const fits = (wanted - amount) / price;
    const taken = lots < fits ? lots : fits;
    amount += taken * price;
    filled += taken;
    if (taken < lots) break;
  }
  return { amount, filled };
}
