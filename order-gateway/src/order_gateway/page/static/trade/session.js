/** The page's connections, the chosen market and the trader. */

import { batch, computed, signal } from "@preact/signals";

import { mark } from "../core/frame.js";
import { Instrument } from "../core/instrument.js";
import { Feed } from "../venue/feed.js";
import { ask, asProblem } from "../venue/gateway.js";
import { CandlesInterest } from "../venue/market.js";
import { ContestView } from "./contest_view.js";
import { MarketView } from "./market_view.js";
import { notify } from "../ui/notices.js";
import { lastAccount, lastSymbol } from "../ui/preferences.js";
import { Trader } from "./trader.js";
import { describeState, describeUncross } from "../ui/wording.js";

const RETRY_DELAY_MS = 1_000;
const FEED_PATH = "/ws/market-data";

/**
 * @typedef {{feed: string, auth: "open" | "keys", version: string}} Config
 * @typedef {import("../core/instrument.js").MarketState} MarketState
 */

export class Session {
  /** @param {Config} config what the server wrote into the page */
  constructor(config) {
    this.config = config;
    const beside = new URL(location.href);
    if (config.feed.startsWith(":")) beside.port = config.feed.slice(1);
    /** Base of the market-data service's REST. */
    this.feedUrl = config.feed.startsWith(":") ? beside.origin : config.feed;
    const socketUrl = `${this.feedUrl.replace(/^http/, "ws")}${FEED_PATH}?channels=`;
    this.feed = new Feed(socketUrl);

    /** @type {import("@preact/signals").Signal<Map<string, Instrument>>} */
    this.instruments = signal(new Map());
    this.symbol = signal("");
    this.instrument = computed(() => this.instruments.value.get(this.symbol.value) ?? null);
    /** The reason why the instruments cannot be read; empty if they can. */
    this.trouble = signal("");
    /** Counts changes of the newest prices of all markets, at most one a frame. */
    this.pricesVersion = signal(0);
    /** The newest daily candle of each symbol. @type {Map<string, any>} */
    this.prices = new Map();
    this.trader = new Trader(socketUrl, (symbol) => this.instruments.value.get(symbol) ?? null);
    this.market = new MarketView(this);
    this.contest = new ContestView(this);
    /** The last price of the market: live while trades are followed, else of its daily candle. */
    this.price = computed(() => {
      void this.pricesVersion.value;
      const candle = this.prices.get(this.symbol.value);
      const { last, ticker } = this.market;
      return last.value?.price ?? candle?.close ?? ticker.value?.last ?? null;
    });
    this.#watch = new CandlesInterest("1d", null, {
      onCandle: (candle) => {
        this.prices.set(candle.symbol, candle);
        mark(this.#paintPrices);
      },
      onVoid: () => {
        this.prices.clear();
        mark(this.#paintPrices);
        void this.loadInstruments();
      },
      onMarket: (change) => this.#marketChanged(change),
    });
  }

  #watch;
  /** @type {Promise<void> | null} */
  #loading = null;
  /** Whether a market has changed since the instruments were asked for. */
  #isOutdated = false;
  #paintPrices = () => void this.pricesVersion.value++;

  /** Read the instruments, start the feed, and choose the kept account if there is one. */
  async start() {
    this.feed.add(this.#watch);
    this.feed.start();
    document.addEventListener("visibilitychange", () => {
      this.feed.setHidden(document.hidden);
      this.trader.feed.setHidden(document.hidden);
    });
    this.trader.watchKey();
    this.contest.start();
    await this.loadInstruments();
    // While the gateway was away, the trader may have chosen an account.
    if (this.config.auth !== "open" || this.trader.name.value) return;
    const asked = new URLSearchParams(location.search).get("account");
    try {
      await this.trader.useName(asked ?? lastAccount.value);
    } catch (error) {
      notify("bad", asProblem(error).message);
    }
  }

  /** Read the instruments; repeat until the gateway answers. */
  loadInstruments() {
    this.#isOutdated = true;
    this.#loading ??= this.#load().finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }

  /** @param {string} symbol */
  choose(symbol) {
    if (!this.instruments.value.has(symbol)) return;
    lastSymbol.value = symbol;
    this.#show(symbol);
    const url = new URL(location.href);
    url.searchParams.set("symbol", symbol);
    history.replaceState(null, "", url);
  }

  /** @param {string} symbol empty if there is no market */
  #show(symbol) {
    this.symbol.value = symbol;
    this.market.choose(symbol);
  }

  async #load() {
    for (;;) {
      try {
        this.#isOutdated = false;
        const { content } = await ask("GET", "/v1/instruments", {});
        this.trouble.value = "";
        if (this.#isOutdated) continue;
        this.#takeInstruments(content.instruments);
        return;
      } catch (error) {
        this.trouble.value = asProblem(error).message;
        await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY_MS));
      }
    }
  }

  /** @param {any[]} replies */
  #takeInstruments(replies) {
    batch(() => {
      this.instruments.value = new Map(
        replies.map((reply) => [reply.symbol, new Instrument(reply)]),
      );
      if (this.instrument.value !== null) return;
      if (this.symbol.value) notify("info", `${this.symbol.value} is no longer traded.`);
      const asked = new URLSearchParams(location.search).get("symbol");
      const known = [asked, lastSymbol.value, replies[0]?.symbol];
      const found = known.find((symbol) => this.instruments.value.has(symbol));
      if (found === undefined) this.#show("");
      else this.choose(found);
    });
  }

  /**
   * @param {{symbol: string, state: MarketState, change: string, price: string, quantity: string}}
   *   change price and quantity are those of an auction that ended
   */
  #marketChanged(change) {
    if (change.change === "indicative") {
      this.market.takeIndicative(change);
      return;
    }
    const known = this.instruments.value.get(change.symbol);
    if (change.change === "uncrossed") {
      notify("info", describeUncross(change, known ?? null));
      return;
    }
    if (change.change !== "state" || known === undefined) {
      void this.loadInstruments();
      return;
    }
    this.#isOutdated = true;
    const markets = new Map(this.instruments.value);
    this.instruments.value = markets.set(change.symbol, known.withState(change.state));
    if (known.state !== change.state) notify("info", describeState(change.symbol, change.state));
  }
}
