/** Who trades what: the account, the instruments, the chosen market, both connections. */

import { batch, computed, effect, signal } from "@preact/signals";

import { Instrument } from "../core/instrument.js";
import { AccountInterest } from "../venue/account.js";
import { Feed } from "../venue/feed.js";
import { Problem, ask, askAgain, asProblem } from "../venue/gateway.js";
import { CandlesInterest } from "../venue/market.js";
import { MarketView } from "./market_view.js";
import { notify } from "./notices.js";
import { lastAccount, lastSymbol } from "./preferences.js";
import { describeReport, describeState } from "./wording.js";
import { mark } from "../core/frame.js";

const PAGE_LIMIT = 500;
const RETRY_DELAY_MS = 1_000;
const ARRIVAL_MS = 100;
const FEED_PATH = "/ws/market-data";

/**
 * @typedef {{feed: string, auth: "open" | "keys", version: string}} Config
 * @typedef {{maker_fee_ppm: number | null, taker_fee_ppm: number | null, state: string}} Terms
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
    this.privateFeed = new Feed(socketUrl, () => this.#credentials());

    /** @type {import("@preact/signals").Signal<Map<string, Instrument>>} */
    this.instruments = signal(new Map());
    this.symbol = signal("");
    this.instrument = computed(() => this.instruments.value.get(this.symbol.value) ?? null);
    /** The account that trades; empty while there is none. */
    this.accountName = signal("");
    /** @type {import("@preact/signals").Signal<Terms | null>} */
    this.terms = signal(null);
    /** Counts changes of orders, fills and balances, at most one a frame. */
    this.accountVersion = signal(0);
    /** Counts changes of the newest prices of all markets, at most one a frame. */
    this.pricesVersion = signal(0);
    /** Why the gateway cannot be used; empty if it can. */
    this.gatewayTrouble = signal("");
    /** Round trip of the last order, in ms. */
    this.orderMs = signal(/** @type {number | null} */ (null));

    /** The newest daily candle of each symbol. @type {Map<string, any>} */
    this.prices = new Map();
    this.account = this.#newAccount();
    this.market = new MarketView(this);
    this.#watch = new CandlesInterest("1d", null, {
      onCandle: (candle) => {
        this.prices.set(candle.symbol, candle);
        mark(this.#paintPrices);
      },
      onVoid: () => void this.loadInstruments(),
      onMarket: (change) => this.#marketChanged(change),
    });
  }

  #key = "";
  #watch;
  /** Orders that just came in, with the timer of their notice. @type {Map<string, number>} */
  #arrivals = new Map();
  /** @type {Promise<void> | null} */
  #loading = null;
  #paintPrices = () => void this.pricesVersion.value++;
  #paintAccount = () => void this.accountVersion.value++;

  /** Begin: the instruments, the feed, and the account if there is one to begin with. */
  async start() {
    this.feed.add(this.#watch);
    this.feed.start();
    document.addEventListener("visibilitychange", () => {
      this.feed.setHidden(document.hidden);
      this.privateFeed.setHidden(document.hidden);
    });
    effect(() => {
      if (this.privateFeed.phase.value === "key_over") this.#keyOver(this.privateFeed.reason.value);
    });
    await this.loadInstruments();
    if (this.config.auth === "open") {
      const asked = new URLSearchParams(location.search).get("account");
      await this.useAccount(asked ?? lastAccount.value);
    }
  }

  /** Read what is traded, again and again until there is an answer. */
  loadInstruments() {
    this.#loading ??= this.#load().finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }

  async #load() {
    for (;;) {
      try {
        const { content } = await ask("GET", "/v1/instruments", {});
        this.gatewayTrouble.value = "";
        this.#takeInstruments(content.instruments);
        return;
      } catch (error) {
        this.gatewayTrouble.value = asProblem(error).message;
        await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY_MS));
      }
    }
  }

  /** @param {string} symbol */
  choose(symbol) {
    if (!this.instruments.value.has(symbol)) return;
    lastSymbol.value = symbol;
    this.symbol.value = symbol;
    const url = new URL(location.href);
    url.searchParams.set("symbol", symbol);
    history.replaceState(null, "", url);
    this.market.choose(symbol);
  }

  /**
   * Trade for an account of an open venue. Rejects with a Problem if the venue refuses the name.
   * @param {string} name
   */
  async useAccount(name) {
    this.leave();
    this.accountName.value = name;
    try {
      await this.#readTerms();
    } catch (error) {
      const problem = asProblem(error);
      if (!problem.passing) {
        this.accountName.value = "";
        throw problem;
      }
    }
    lastAccount.value = name;
    this.#follow();
  }

  /**
   * Trade with an API key, which stays in memory only. Rejects with a Problem.
   * @param {string} key
   */
  async useKey(key) {
    this.leave();
    this.#key = key;
    try {
      this.accountName.value = await this.#readTerms();
    } catch (error) {
      this.#key = "";
      throw error;
    }
    this.#follow();
  }

  /** Forget the account and its key. */
  leave() {
    this.privateFeed.stop();
    this.privateFeed.remove(this.account);
    this.#key = "";
    batch(() => {
      this.accountName.value = "";
      this.terms.value = null;
      this.account = this.#newAccount();
      this.accountVersion.value += 1;
    });
  }

  /**
   * Ask the gateway for the account. Rejects with a Problem.
   * @param {string} method
   * @param {string} path
   * @param {object} [body] with a body that may be repeated, it is asked again if need be
   */
  async request(method, path, body) {
    if (!this.accountName.value && !this.#key) {
      throw new Problem("no_account", "Choose an account first.");
    }
    const started = performance.now();
    const headers = this.#headers();
    const send = method === "GET" ? ask : askAgain;
    try {
      const answer = await send(method, path, headers, body);
      this.gatewayTrouble.value = "";
      if (method !== "GET") this.orderMs.value = performance.now() - started;
      return answer;
    } catch (error) {
      const problem = asProblem(error);
      if (problem.code === "unreachable") this.gatewayTrouble.value = problem.message;
      else this.gatewayTrouble.value = "";
      if (problem.status === 401) this.#keyOver(problem.message);
      throw problem;
    }
  }

  #headers() {
    return /** @type {Record<string, string>} */ (
      this.#key ? { Authorization: `Bearer ${this.#key}` } : { "X-Account": this.accountName.value }
    );
  }

  #credentials() {
    return this.#key ? { key: this.#key } : { account: this.accountName.value };
  }

  /** @returns {Promise<string>} the name of the account */
  async #readTerms() {
    const { content } = await this.request("GET", "/v1/account");
    this.terms.value = content;
    return content.account;
  }

  #follow() {
    this.privateFeed.add(this.account);
    this.privateFeed.start();
  }

  #newAccount() {
    const account = new AccountInterest({
      onChange: () => mark(this.#paintAccount),
      onReport: (report) => this.#reported(report),
      onVoid: () => void this.#readAccount(account),
    });
    return account;
  }

  /**
   * Tell of a report. That an order came in is worth telling only if nothing else follows at once.
   * @param {import("../venue/account.js").Order} report
   */
  #reported(report) {
    const tell = () => {
      this.#arrivals.delete(report.order_id);
      const told = describeReport(report, this.instruments.value.get(report.symbol) ?? null);
      if (told) notify(...told);
    };
    clearTimeout(this.#arrivals.get(report.order_id));
    if (report.report === "new") this.#arrivals.set(report.order_id, setTimeout(tell, ARRIVAL_MS));
    else tell();
  }

  /**
   * Read open orders and fills over REST, until there is an answer.
   * @param {AccountInterest} account
   */
  async #readAccount(account) {
    account.beginFill();
    while (account === this.account) {
      try {
        await this.#readTerms();
        const [open, fills] = await Promise.all([
          this.#readOpenOrders(),
          this.request("GET", `/v1/fills?limit=${PAGE_LIMIT}`),
        ]);
        if (account === this.account) account.fill(open, fills.content.fills);
        return;
      } catch (error) {
        if (!asProblem(error).passing) return;
        await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY_MS));
      }
    }
  }

  async #readOpenOrders() {
    const orders = [];
    for (let cursor = ""; ; ) {
      const path = `/v1/orders?status=open&limit=${PAGE_LIMIT}${cursor}`;
      const { content } = await this.request("GET", path);
      orders.push(...content.orders);
      if (content.next_cursor === null) return orders;
      cursor = `&cursor=${content.next_cursor}`;
    }
  }

  /** @param {string} why */
  #keyOver(why) {
    if (!this.#key) return;
    this.leave();
    notify("bad", `${why} Sign in with another key.`);
  }

  /** @param {any[]} replies */
  #takeInstruments(replies) {
    batch(() => {
      this.instruments.value = new Map(
        replies.map((reply) => [reply.symbol, new Instrument(reply)]),
      );
      if (this.instrument.value !== null) return;
      const asked = new URLSearchParams(location.search).get("symbol");
      const known = [asked, lastSymbol.value, replies[0]?.symbol];
      this.choose(known.find((symbol) => this.instruments.value.has(symbol)) ?? "");
    });
  }

  /** @param {{symbol: string, state: import("../core/instrument.js").MarketState, change: string}} change */
  #marketChanged(change) {
    const known = this.instruments.value.get(change.symbol);
    if (change.change !== "state" || known === undefined) {
      void this.loadInstruments();
      return;
    }
    const markets = new Map(this.instruments.value);
    this.instruments.value = markets.set(change.symbol, known.withState(change.state));
    if (known.state !== change.state) notify("info", describeState(change.symbol, change.state));
  }
}
