/** The subscriptions to one market: its book, its trades, its candles. */

import { Book } from "../core/book.js";
import { Tracker } from "../core/tracker.js";

/** @typedef {import("./feed.js").Interest} Interest */
/** @typedef {import("./feed.js").Message} Message */

const TRADES_KEPT = 200;
const PROOFS_FAILED_MAX = 3;

/**
 * @typedef {{seq: number, price: string, quantity: string, side: "buy" | "sell",
 *            timestamp: string, shownPrice?: string, shownTime?: string}} Trade
 *   the members `shown...` are written by the tape, once
 */

/** The whole book of a symbol, proven by seq at every update and by checksum at heartbeats. */
export class BookInterest {
  /**
   * @param {string} symbol
   * @param {() => void} onChange
   */
  constructor(symbol, onChange) {
    this.symbol = symbol;
    this.topics = { channels: ["book"], symbols: [symbol] };
    this.book = new Book();
    /** Time of the last matching checksum, in ms of `performance.now`; 0 for never. */
    this.provenAtMs = 0;
    this.proofs = 0;
    this.failures = 0;
    this.#onChange = onChange;
  }

  #onChange;

  since() {
    return {};
  }

  subscribed() {
    this.book.clear();
    this.#onChange();
  }

  rewound() {
    this.subscribed();
  }

  /** @param {Message} message */
  offer(message) {
    switch (message.type) {
      case "l2_update":
        if (message.data.symbol === this.symbol) return this.#update(message.data);
        break;
      case "book_snapshot":
        if (message.data.symbol !== this.symbol) break;
        this.#onChange();
        return this.book.start(message.data) ? this.#prove() : this.#distrust();
      case "gap":
        if (message.channel === "book" && message.symbol === this.symbol) this.subscribed();
        break;
      case "epoch":
        return "renew";
      case "heartbeat":
        if (message.book?.[this.symbol]) return this.#compare(message.book[this.symbol]);
    }
  }

  /**
   * @param {any} update
   * @returns {"renew" | void}
   */
  #update(update) {
    if (!this.book.known) return;
    if (update.epoch === this.book.epoch && update.seq <= this.book.seq) return;
    this.#onChange();
    if (this.book.apply(update)) return;
    this.book.clear();
    return "renew";
  }

  /**
   * @param {{seq: number, checksum: number}} mark
   * @returns {"renew" | void}
   */
  #compare(mark) {
    if (!this.book.known) return;
    if (this.book.seq < mark.seq) {
      this.book.clear();
      return "renew";
    }
    if (this.book.seq > mark.seq) return;
    return this.book.checksum() === mark.checksum ? this.#prove() : this.#distrust();
  }

  #prove() {
    this.provenAtMs = performance.now();
    this.proofs += 1;
    this.failures = 0;
  }

  /** @returns {"renew" | void} */
  #distrust() {
    this.book.clear();
    this.provenAtMs = 0;
    this.failures += 1;
    if (this.failures < PROOFS_FAILED_MAX) return "renew";
  }
}

/** The trades of a symbol, each once and in order; the newest are kept. */
export class TradesInterest {
  /**
   * @param {string} symbol
   * @param {{onTrade: (trade: Trade) => void, onVoid: () => void}} events `onVoid`: the
   *   shown trades are outdated, or none were read: read the newest trades again
   */
  constructor(symbol, events) {
    this.symbol = symbol;
    this.topics = { channels: ["trades"], symbols: [symbol] };
    this.events = events;
    /** Newest first. @type {Trade[]} */
    this.recent = [];
    /** Trades that the venue could not send. */
    this.missed = 0;
    this.tracker = new Tracker(
      symbol,
      (gap) => (this.missed += gap.to - gap.from + 1),
      () => this.#forget(),
    );
  }

  since() {
    return this.tracker.since;
  }

  /** @param {Message} answer */
  subscribed(answer) {
    const isFirst = !this.tracker.started;
    this.tracker.subscribed(/** @type {any} */ (answer));
    if (isFirst) this.events.onVoid();
  }

  rewound() {
    this.tracker.rewound();
  }

  /**
   * Take over trades of REST, oldest first; trades that came over the feed meanwhile stay.
   * @param {any[]} page
   */
  fill(page) {
    const oldest = this.recent.at(-1)?.seq ?? Infinity;
    const older = page.filter((trade) => trade.seq < oldest && trade.seq <= this.tracker.last);
    this.recent.push(...older.reverse().map(toTrade));
    this.recent.length = Math.min(this.recent.length, TRADES_KEPT);
  }

  /**
   * @param {Message} message
   * @returns {"reconnect" | void}
   */
  offer(message) {
    switch (message.type) {
      case "trade":
        if (message.data.symbol === this.symbol) return this.#take(message.data);
        break;
      case "heartbeat":
        return wish(this.tracker.heartbeat(/** @type {any} */ (message)));
      case "gap":
        if (message.channel === "trades" && message.symbol === this.symbol) {
          return wish(this.tracker.gap(/** @type {any} */ (message)));
        }
        break;
      case "epoch":
        this.tracker.epochChanged(/** @type {any} */ (message));
    }
  }

  /**
   * @param {any} data
   * @returns {"reconnect" | void}
   */
  #take(data) {
    const verdict = this.tracker.item(data.seq, data.epoch);
    if (verdict !== "new") return wish(verdict);
    const trade = toTrade(data);
    this.recent.unshift(trade);
    if (this.recent.length > TRADES_KEPT) this.recent.pop();
    this.events.onTrade(trade);
  }

  #forget() {
    this.recent.length = 0;
    this.events.onVoid();
  }
}

/** The newest candle of a symbol, or of all symbols, whenever it changes. */
export class CandlesInterest {
  /**
   * @param {string} interval
   * @param {string | null} symbol null for all
   * @param {{onCandle: (candle: any) => void, onVoid: () => void,
   *          onMarket?: (change: any) => void}} events
   */
  constructor(interval, symbol, events) {
    this.interval = interval;
    this.symbol = symbol;
    this.topics = symbol === null
      ? { channels: [`candles:${interval}`] }
      : { channels: [`candles:${interval}`], symbols: [symbol] };
    this.events = events;
  }

  since() {
    return {};
  }

  subscribed() {
    this.events.onVoid();
  }

  rewound() {}

  /** @param {Message} message */
  offer(message) {
    if (message.type === "candle") {
      const { data } = message;
      if (data.interval !== this.interval) return;
      if (this.symbol === null || data.symbol === this.symbol) this.events.onCandle(data);
    } else if (message.type === "market") {
      this.events.onMarket?.(message.data);
    } else if (message.type === "epoch") {
      this.events.onVoid();
    }
  }
}

/**
 * @param {any} data
 * @returns {Trade}
 */
function toTrade(data) {
  return {
    seq: data.seq,
    price: data.price,
    quantity: data.quantity,
    side: data.aggressor_side,
    timestamp: data.timestamp,
  };
}

/**
 * @param {import("../core/tracker.js").Verdict} verdict
 * @returns {"reconnect" | void}
 */
function wish(verdict) {
  if (verdict === "reconnect") return verdict;
}
