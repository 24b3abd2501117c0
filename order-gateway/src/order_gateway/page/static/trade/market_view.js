/** The chosen market as panels see it. A panel names its needs; unneeded channels are left. */

import { signal } from "@preact/signals";

import { Answers } from "../core/answers.js";
import { mark, unmark } from "../core/frame.js";
import { keyOf } from "../core/decimal.js";
import { ask, asProblem, readUntilAnswered } from "../venue/gateway.js";
import { BookInterest, TradesInterest } from "../venue/market.js";

const TICKER_INTERVAL_MS = 10_000;
const HISTORY_TRADES = 100;
const VOLUME_PRICES_MAX = 5_000;
// Interval of changes of the numbers beside the book, so that people can read them.
const PRICES_INTERVAL_MS = 100;
// After a panel has closed, its subscription stays so long for a panel with the same needs.
const SUCCESSION_MS = 200;

/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("../venue/market.js").Trade} Trade */
/** @typedef {"book" | "trades"} Kind */

export class MarketView {
  /** @param {Session} session */
  constructor(session) {
    this.symbol = "";
    /** @type {BookInterest | null} */
    this.book = null;
    /** @type {TradesInterest | null} */
    this.trades = null;
    /** Traded quantity by price, since the page began to follow the market. */
    this.volumes = new Map(/** @type {[number, bigint][]} */ ([]));
    /** The last 24 hours. @type {import("@preact/signals").Signal<Record<string, any> | null>} */
    this.ticker = signal(null);
    /** The best prices, changed at most ten times a second. */
    this.best = signal(/** @type {{bid: string | null, ask: string | null}} */ (NO_PRICES));
    /**
     * The last trade, changed at most ten times a second.
     * @type {import("@preact/signals").Signal<Trade | null>}
     */
    this.last = signal(null);
    /**
     * The indicative price of the venue, and the seq of the page's book at that time.
     * @type {{seq: number, price: string, quantity: string} | null}
     */
    this.indicative = null;
    this.#session = session;
    setInterval(() => void this.#readTicker(), TICKER_INTERVAL_MS);
  }

  #session;
  #tickers = new Answers();
  #histories = new Answers();
  #pricesTimer = /** @type {number | null} */ (null);
  /** Panels by their needs. @type {Record<Kind, Set<() => void>>} */
  #painters = { book: new Set(), trades: new Set() };

  /** @param {string} symbol */
  choose(symbol) {
    if (symbol === this.symbol) return;
    this.#unfollow("book");
    this.#unfollow("trades");
    this.symbol = symbol;
    this.ticker.value = null;
    this.last.value = null;
    this.best.value = NO_PRICES;
    this.indicative = null;
    this.volumes.clear();
    this.#follow("book");
    this.#follow("trades");
    this.#tickers.forget();
    this.#bookChanged();
    this.#tradesChanged();
    void this.#readTicker();
  }

  /**
   * Follow a need while a panel shows it; `paint` runs once a frame after changes.
   * @param {Kind} kind
   * @param {() => void} paint
   * @returns {() => void} to call when the panel is gone
   */
  use(kind, paint) {
    this.#painters[kind].add(paint);
    this.#follow(kind);
    mark(paint);
    return () => {
      this.#painters[kind].delete(paint);
      unmark(paint);
      setTimeout(() => {
        if (this.#painters[kind].size === 0) this.#unfollow(kind);
      }, SUCCESSION_MS);
    };
  }

  /**
   * Read the indicative price of an auction, hidden quantities included; once a second at most.
   * @param {{symbol: string, price?: string | null, quantity?: string | null}} told
   */
  takeIndicative({ symbol, price, quantity }) {
    if (symbol !== this.symbol || this.book === null) return;
    const { seq } = this.book.book;
    this.indicative = price && quantity ? { seq, price, quantity } : null;
    this.#bookChanged();
  }

  /** @param {Kind} kind */
  #follow(kind) {
    if (this[kind] !== null || this.symbol === "" || this.#painters[kind].size === 0) return;
    if (kind === "book") {
      this.book = new BookInterest(this.symbol, this.#bookChanged);
      this.#session.feed.add(this.book);
    } else {
      const trades = new TradesInterest(this.symbol, {
        onTrade: (trade) => this.#traded(trade),
        onVoid: () => void this.#readTrades(trades),
      });
      this.trades = trades;
      this.#session.feed.add(trades);
    }
  }

  /** @param {Kind} kind */
  #unfollow(kind) {
    const interest = this[kind];
    if (interest !== null) this.#session.feed.remove(interest);
    this[kind] = null;
    // The price of a trade is not kept while others are not seen.
    if (kind === "trades") this.last.value = null;
  }

  #bookChanged = () => {
    this.#pricesChanged();
    for (const paint of this.#painters.book) mark(paint);
  };

  #tradesChanged = () => {
    this.#pricesChanged();
    for (const paint of this.#painters.trades) mark(paint);
  };

  #pricesChanged() {
    this.#pricesTimer ??= setTimeout(this.#showPrices, PRICES_INTERVAL_MS);
  }

  #showPrices = () => {
    this.#pricesTimer = null;
    const bid = this.book?.book.bids.best?.price ?? null;
    const ask = this.book?.book.asks.best?.price ?? null;
    const known = this.best.value;
    if (bid !== known.bid || ask !== known.ask) this.best.value = { bid, ask };
    if (this.trades !== null) this.last.value = this.trades.recent[0] ?? null;
  };

  /** @param {Trade} trade */
  #traded(trade) {
    const key = keyOf(trade.price);
    const known = this.volumes.get(key);
    if (known !== undefined || this.volumes.size < VOLUME_PRICES_MAX) {
      this.volumes.set(key, (known ?? 0n) + BigInt(trade.quantity.replace(".", "")));
    }
    this.#tradesChanged();
  }

  /** @param {TradesInterest} trades */
  async #readTrades(trades) {
    this.volumes.clear();
    this.#tradesChanged();
    // An earlier answer may be of an epoch that is over.
    this.#histories.forget();
    const isNew = this.#histories.ask();
    const path = `/v1/trades/${trades.symbol}?limit=${HISTORY_TRADES}`;
    const page = await readUntilAnswered(this.#session.feedUrl + path,
      () => trades === this.trades && isNew());
    if (page === null) return;
    trades.fill(page.trades);
    this.#tradesChanged();
  }

  async #readTicker() {
    const { symbol } = this;
    if (symbol === "" || document.hidden) return;
    const isNew = this.#tickers.ask();
    try {
      const { content } = await ask("GET", `${this.#session.feedUrl}/v1/ticker/${symbol}`, {});
      if (isNew()) this.ticker.value = content;
    } catch (error) {
      asProblem(error); // the banner shows that the feed is away
    }
  }
}

const NO_PRICES = { bid: null, ask: null };
