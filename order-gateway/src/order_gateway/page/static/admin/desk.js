/** The organiser's connection: REST as an administrator, read again every few seconds. */

import { signal } from "@preact/signals";

import { ask, asProblem } from "../venue/gateway.js";
import { notify } from "../ui/notices.js";

const INTERVAL_MS = 3_000;
const PAGE_LIMIT = 200;

/**
 * @typedef {Record<string, any>} Reply
 * @typedef {{feed: string, auth: "open" | "keys", version: string}} Config
 */

export class Desk {
  /** @param {Config} config the settings that the server wrote into the page */
  constructor(config) {
    this.config = config;
    const beside = new URL(location.href);
    if (config.feed.startsWith(":")) beside.port = config.feed.slice(1);
    this.feedUrl = config.feed.startsWith(":") ? beside.origin : config.feed;
    /** Whether the organiser may act: always at an open venue, else with a key. */
    this.signedIn = signal(config.auth === "open");
    /** Why the gateway cannot be used; empty if it can. */
    this.trouble = signal("");
    /** @type {import("@preact/signals").Signal<Reply[]>} */
    this.markets = signal([]);
    /** @type {import("@preact/signals").Signal<Reply[]>} */
    this.accounts = signal([]);
    /** Whether there are more accounts than the page shows. */
    this.moreAccounts = signal(false);
    /** The accounts whose names begin with this text are read. */
    this.search = signal("");
    /** @type {import("@preact/signals").Signal<Reply | null>} */
    this.feedHealth = signal(null);
    /** @type {import("@preact/signals").Signal<Reply | null>} */
    this.round = signal(null);
    /** Results of the newest round. @type {import("@preact/signals").Signal<Reply | null>} */
    this.results = signal(null);
    /** @type {import("@preact/signals").Signal<Reply | null>} */
    this.board = signal(null);
    /** @type {import("@preact/signals").Signal<Reply | null>} */
    this.boardOptions = signal(null);
    /** Notices that were sent, newest first. @type {import("@preact/signals").Signal<Reply[]>} */
    this.sent = signal([]);
  }

  #key = "";
  #timer = 0;

  /** Begin to read the venue. */
  start() {
    if (this.#timer) return;
    this.#timer = setInterval(() => void this.refresh(), INTERVAL_MS);
    void this.refresh();
  }

  /**
   * Act with an administrator's key, which stays in memory only. Rejects with a Problem.
   * @param {string} key
   */
  async signIn(key) {
    this.#key = key;
    try {
      await this.request("GET", "/v1/admin/accounts?limit=1");
    } catch (error) {
      this.#key = "";
      throw error;
    }
    this.signedIn.value = true;
    await this.refresh();
  }

  signOut() {
    this.#key = "";
    this.signedIn.value = this.config.auth === "open";
  }

  /**
   * Ask the gateway. Rejects with a Problem.
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   */
  async request(method, path, body) {
    try {
      const headers = /** @type {Record<string, string>} */ (
        this.#key ? { Authorization: `Bearer ${this.#key}` } : {}
      );
      const { content } = await ask(method, path, headers, body);
      this.trouble.value = "";
      return content;
    } catch (error) {
      const problem = asProblem(error);
      this.trouble.value = problem.passing ? problem.message : "";
      if (problem.status === 401 && this.#key) {
        notify("bad", `${problem.message} Sign in with another key.`);
        this.signOut();
      }
      throw problem;
    }
  }

  /**
   * Open an account at an open venue, with paper money. Rejects with a Problem.
   * @param {string} name
   */
  open(name) {
    return ask("GET", "/v1/account", { "X-Account": name });
  }

  /**
   * Run an action, show a notice of its result, and read the venue again.
   * @param {() => Promise<string>} work the action; it returns the sentence of its success
   * @returns {Promise<boolean>} whether the action was done
   */
  async act(work) {
    try {
      notify("good", await work());
      await this.refresh();
      return true;
    } catch (error) {
      notify("bad", asProblem(error).message);
      return false;
    }
  }

  /** Read markets, accounts and the feed again. */
  async refresh() {
    if (!this.signedIn.value || document.hidden) return;
    const reading = [this.#readMarkets(), this.#readAccounts(), this.#readFeed(),
      this.#readRound(), this.#readBoard(), this.#readNotices()];
    for (const result of await Promise.allSettled(reading)) {
      if (result.status === "rejected") asProblem(result.reason);
    }
  }

  async #readMarkets() {
    this.markets.value = (await this.request("GET", "/v1/instruments")).instruments;
  }

  async #readAccounts() {
    const name = this.search.value.trim();
    const prefix = name ? `&prefix=${encodeURIComponent(name)}` : "";
    const page = await this.request("GET", `/v1/admin/accounts?limit=${PAGE_LIMIT}${prefix}`);
    this.accounts.value = page.accounts;
    this.moreAccounts.value = page.next_cursor !== null;
  }

  async #readRound() {
    const before = this.round.value;
    const { round } = await this.request("GET", "/v1/round");
    this.round.value = round;
    if (round?.state !== "ended") this.results.value = null;
    else if (before?.state !== "ended" || this.results.value === null) {
      // A round that was replaced before its start has no results.
      const path = `/v1/admin/rounds/${round.number}/results`;
      this.results.value = await this.request("GET", path).catch((error) => {
        asProblem(error);
        return null;
      });
    }
  }

  async #readBoard() {
    this.boardOptions.value = await this.request("GET", "/v1/admin/leaderboard/options");
    this.board.value = await this.request("GET", "/v1/admin/leaderboard");
  }

  async #readNotices() {
    this.sent.value = (await this.request("GET", "/v1/notices")).notices;
  }

  async #readFeed() {
    try {
      this.feedHealth.value = (await ask("GET", `${this.feedUrl}/health`, {})).content;
    } catch (error) {
      asProblem(error);
      this.feedHealth.value = null;
    }
  }
}
