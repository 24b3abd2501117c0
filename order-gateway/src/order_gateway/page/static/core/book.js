/** A copy of one order book: a snapshot, then updates, proven by checksum. Pure. */

import { crc32 } from "./crc32.js";
import { keyOf } from "./decimal.js";

const CHECKSUM_LEVELS = 10;
const ONLY_ZEROS = /^[0.]+$/;

/**
 * @typedef {[price: string, quantity: string]} Level
 * @typedef {{key: number, price: string, quantity: string, lots: bigint}} KeptLevel
 */

/** The levels of one side, best first. Keys of bids are negated, so that both sides ascend. */
export class Side {
  /** @param {1 | -1} sign -1 for bids */
  constructor(sign) {
    this.sign = sign;
    /** @type {number[]} */
    this.keys = [];
    /** @type {Map<number, KeptLevel>} */
    this.levels = new Map();
  }

  /** @param {Level[]} levels */
  reset(levels) {
    this.levels.clear();
    for (const [price, quantity] of levels) {
      const key = this.sign * keyOf(price);
      this.levels.set(key, { key, price, quantity, lots: lotsOf(quantity) });
    }
    this.keys = [...this.levels.keys()].sort((one, other) => one - other);
  }

  /** @param {Level} level */
  set([price, quantity]) {
    const key = this.sign * keyOf(price);
    const level = this.levels.get(key);
    if (ONLY_ZEROS.test(quantity)) {
      if (level === undefined) return;
      this.levels.delete(key);
      this.keys.splice(this.#place(key), 1);
    } else if (level === undefined) {
      this.levels.set(key, { key, price, quantity, lots: lotsOf(quantity) });
      this.keys.splice(this.#place(key), 0, key);
    } else {
      level.quantity = quantity;
      level.lots = lotsOf(quantity);
    }
  }

  /** The best level, or undefined of an empty side. */
  get best() {
    return this.levels.get(this.keys[0]);
  }

  /** The side as the checksum covers it. */
  text() {
    return this.keys
      .slice(0, CHECKSUM_LEVELS)
      .map((key) => {
        const level = /** @type {KeptLevel} */ (this.levels.get(key));
        return `${level.price}:${level.quantity}`;
      })
      .join(",");
  }

  /**
   * The index of a key, or the index at which the key would be inserted.
   * @param {number} key
   */
  #place(key) {
    let low = 0;
    let high = this.keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.keys[middle] < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export class Book {
  constructor() {
    this.bids = new Side(-1);
    this.asks = new Side(1);
    this.seq = 0;
    this.epoch = "";
    /** Whether a snapshot has been taken over. */
    this.known = false;
  }

  /**
   * Start from a snapshot; false if its checksum does not match its levels.
   * @param {{seq: number, epoch: string, bids: Level[], asks: Level[], checksum: number}} state
   */
  start(state) {
    this.bids.reset(state.bids);
    this.asks.reset(state.asks);
    this.seq = state.seq;
    this.epoch = state.epoch;
    this.known = this.checksum() === state.checksum;
    return this.known;
  }

  /**
   * Apply the next update; false if it does not follow the copy.
   * @param {{seq: number, epoch: string, bids: Level[], asks: Level[]}} update
   */
  apply(update) {
    if (update.epoch !== this.epoch || update.seq !== this.seq + 1) return false;
    for (const level of update.bids) this.bids.set(level);
    for (const level of update.asks) this.asks.set(level);
    this.seq = update.seq;
    return true;
  }

  /** Forget the copy. */
  clear() {
    this.bids.reset([]);
    this.asks.reset([]);
    this.known = false;
  }

  checksum() {
    return crc32(`${this.bids.text()}|${this.asks.text()}`);
  }
}

/**
 * A quantity in units of its last decimal.
 * @param {string} quantity
 */
function lotsOf(quantity) {
  return BigInt(quantity.replace(".", ""));
}
