/** The account that trades: its permissions, orders, fills, and private connection. */

import { batch, effect, signal } from "@preact/signals";

import { Answers } from "../core/answers.js";
import { mark } from "../core/frame.js";
import { AccountInterest } from "../venue/account.js";
import { Feed } from "../venue/feed.js";
import { Problem, ask, askAgain, asProblem } from "../venue/gateway.js";
import { notify } from "../ui/notices.js";
import { lastAccount } from "../ui/preferences.js";
import { describeFills, describeReport } from "../ui/wording.js";

/** @typedef {import("../core/instrument.js").Instrument} Instrument */
/** @typedef {import("../venue/account.js").Order} Order */

const PAGE_LIMIT = 500;
const RETRY_DELAY_MS = 1_000;
// A notice of an order waits so long for its fills, which replace it.
const ARRIVAL_MS = 100;

/**
 * @typedef {{account: string, maker_fee_ppm: number | null, taker_fee_ppm: number | null,
 *            state: string}} Terms
 */

export class Trader {
  /**
   * @param {string} socketUrl of the feed
   * @param {(symbol: string) => Instrument | null} find
   */
  constructor(socketUrl, find) {
    this.feed = new Feed(socketUrl, () => this.#credentials());
    /** The account that trades; empty while there is none. */
    this.name = signal("");
    /** @type {import("@preact/signals").Signal<Terms | null>} */
    this.terms = signal(null);
    /** Counts changes of orders, fills and balances, at most one a frame. */
    this.version = signal(0);
    /** The reason why the gateway cannot be used; empty if it can. */
    this.trouble = signal("");
    /** Round trip of the last order, in ms. */
    this.orderMs = signal(/** @type {number | null} */ (null));
    this.#find = find;
    this.account = this.#newAccount();
  }

  #find;
  #key = "";
  #termsAnswers = new Answers();
  #ordersAnswers = new Answers();
  /**
   * Orders with a report, the timer of their notice, and their fills since.
   * @type {Map<string, {timer: number, fills: Order[]}>}
   */
  #arrivals = new Map();
  #paint = () => void this.version.value++;

  /** Note that the key was revoked or has expired while the page is open. */
  watchKey() {
    effect(() => {
      if (this.feed.phase.value === "key_over") this.#keyOver(this.feed.reason.value);
    });
  }

  /**
   * Trade for an account of an open venue. Rejects with a Problem if the venue refuses the name.
   * @param {string} name
   */
  async useName(name) {
    this.leave();
    const { account } = this;
    this.name.value = name;
    try {
      await this.#readTerms();
    } catch (error) {
      const problem = asProblem(error);
      if (!problem.passing && account === this.account) {
        this.name.value = "";
        throw problem;
      }
    }
    if (account !== this.account) return; // another account was chosen meanwhile
    lastAccount.value = name;
    this.#follow();
  }

  /**
   * Trade with an API key, which stays in memory only. Rejects with a Problem.
   * @param {string} key
   */
  async useKey(key) {
    this.leave();
    const { account } = this;
    this.#key = key;
    try {
      const name = await this.#readTerms();
      if (account !== this.account) return; // another key was given meanwhile
      this.name.value = name;
    } catch (error) {
      if (account === this.account) this.#key = "";
      throw error;
    }
    this.#follow();
  }

  /** Forget the account and its key. */
  leave() {
    this.feed.stop();
    this.feed.remove(this.account);
    this.#key = "";
    this.#termsAnswers.forget();
    for (const { timer } of this.#arrivals.values()) clearTimeout(timer);
    this.#arrivals.clear();
    batch(() => {
      this.trouble.value = "";
      this.name.value = "";
      this.terms.value = null;
      this.account = this.#newAccount();
      this.version.value += 1;
    });
  }

  /**
   * Ask the gateway for the account. Rejects with a Problem.
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   */
  async request(method, path, body) {
    if (!this.name.value && !this.#key) throw new Problem("no_account", "Choose an account first.");
    const started = performance.now();
    const { account } = this;
    const tell = (/** @type {string} */ trouble) => {
      if (account === this.account) this.trouble.value = trouble;
    };
    // Each request may be repeated, because a new order has an id of its own.
    const headers = this.#headers();
    try {
      const answer = method === "GET"
        ? await ask(method, path, headers)
        : await askAgain(method, path, headers, body, (problem) => tell(problem.message));
      tell("");
      if (method !== "GET") this.orderMs.value = performance.now() - started;
      return answer;
    } catch (error) {
      const problem = asProblem(error);
      tell(problem.passing ? problem.message : "");
      // The refusal of a former key says nothing about the present one.
      if (problem.status === 401 && account === this.account) this.#keyOver(problem.message);
      if (problem.code === "account_blocked") void this.#renewTerms(account);
      throw problem;
    }
  }

  #headers() {
    return /** @type {Record<string, string>} */ (
      this.#key ? { Authorization: `Bearer ${this.#key}` } : { "X-Account": this.name.value }
    );
  }

  #credentials() {
    return this.#key ? { key: this.#key } : { account: this.name.value };
  }

  /** @returns {Promise<string>} the name of the account */
  async #readTerms() {
    const isNew = this.#termsAnswers.ask();
    const { content } = await this.request("GET", "/v1/account");
    if (isNew()) this.terms.value = content;
    return content.account;
  }

  /**
   * Read state and fees of the account again, until there is an answer.
   * @param {AccountInterest} account
   */
  async #renewTerms(account) {
    while (account === this.account) {
      try {
        await this.#readTerms();
        return;
      } catch (error) {
        if (isFinal(asProblem(error))) return;
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY_MS));
    }
  }

  #follow() {
    this.feed.add(this.account);
    this.feed.start();
  }

  #newAccount() {
    const account = new AccountInterest({
      onChange: () => mark(this.#paint),
      onReport: (report) => this.#reported(report),
      onTerms: () => void this.#renewTerms(account),
      onVoid: () => void this.#read(account),
    });
    return account;
  }

  /**
   * Show a notice of a report. A notice of a new order waits for its fills, and consecutive fills
   * share one notice.
   * @param {Order} report
   */
  #reported(report) {
    const { order_id: id, report: kind } = report;
    const known = this.#arrivals.get(id);
    clearTimeout(known?.timer);
    const fills = known?.fills ?? [];
    if (kind === "trade") fills.push(report);
    const tell = () => {
      this.#arrivals.delete(id);
      const market = this.#find(report.symbol);
      if (fills.length > 0) notify("good", describeFills(fills, market));
      const told = kind === "trade" ? null : describeReport(report, market);
      if (told) notify(...told);
    };
    if (kind !== "new" && kind !== "trade") tell();
    else this.#arrivals.set(id, { timer: setTimeout(tell, ARRIVAL_MS), fills });
  }

  /**
   * Read open orders and fills over REST; repeat until the gateway answers.
   * @param {AccountInterest} account
   */
  async #read(account) {
    account.beginFill();
    // Reports are noted for this read only, so an earlier one has lost them.
    this.#ordersAnswers.forget();
    const isNew = this.#ordersAnswers.ask();
    while (account === this.account && isNew()) {
      try {
        await this.#readTerms();
        const [open, fills] = await Promise.all([
          this.#readOpenOrders(),
          this.request("GET", `/v1/fills?limit=${PAGE_LIMIT}`),
        ]);
        if (account === this.account && isNew()) account.fill(open, fills.content.fills);
        return;
      } catch (error) {
        if (isFinal(asProblem(error))) return;
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
}

/**
 * Whether a read is refused for good, such as by a key without permission.
 * @param {Problem} problem
 */
function isFinal(problem) {
  return !problem.passing && problem.status < 500;
}
