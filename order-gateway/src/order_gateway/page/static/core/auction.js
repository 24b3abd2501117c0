/** The price at which the displayed orders of an auction would trade now. Pure. */

/** @typedef {import("./book.js").Side} Side */
/** @typedef {{key: number, lots: bigint}} Uncross a price as a key of the book, and the volume */

/**
 * The price with the largest volume; of these one with the smallest surplus; of these the one
 * nearest the last price, without a last price the middle. Null if no orders cross.
 * @param {Side} bids
 * @param {Side} asks
 * @param {number} tick in units of the keys
 * @param {number | null} last
 * @returns {Uncross | null}
 */
export function indicative(bids, asks, tick, last) {
  const best = { bid: -(bids.keys[0] ?? 0), ask: asks.keys[0] };
  if (bids.keys.length === 0 || best.ask === undefined || best.bid < best.ask) return null;
  // Levels that can trade, lowest price first.
  const demand = bids.keys.filter((key) => -key >= best.ask).reverse();
  const supply = asks.keys.filter((key) => key <= best.bid);
  const prices = [...new Set([...demand.map((key) => -key), ...supply])].sort((a, b) => a - b);
  let wanted = demand.reduce((sum, key) => sum + lotsAt(bids, key), 0n);
  let offered = 0n;
  let found = { lots: 0n, surplus: 0n, low: 0, high: 0 };
  const consider = (/** @type {number} */ low, /** @type {number} */ high) => {
    const lots = wanted < offered ? wanted : offered;
    const surplus = wanted < offered ? offered - wanted : wanted - offered;
    if (lots < found.lots || (lots === found.lots && surplus > found.surplus)) return;
    const isSame = lots === found.lots && surplus === found.surplus;
    found = { lots, surplus, low: isSame ? found.low : low, high };
  };
  prices.forEach((price, index) => {
    offered += lotsAt(asks, price);
    consider(price, price);
    wanted -= lotsAt(bids, -price);
    // Between two levels fewer buy than at the lower one, and fewer sell than at the higher one.
    const next = prices[index + 1];
    if (next !== undefined && next - price > tick) consider(price + tick, next - tick);
  });
  const { low, high, lots } = found;
  const middle = Math.floor((low + high) / 2 / tick) * tick;
  return { key: last === null ? middle : Math.min(Math.max(last, low), high), lots };
}

/**
 * @param {Side} side
 * @param {number} key
 */
function lotsAt(side, key) {
  return side.levels.get(key)?.lots ?? 0n;
}
