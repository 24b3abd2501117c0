/** The organiser's connection: REST as an administrator, read again every few seconds. */

import { batch, signal } from "@preact/signals";

import { Answers } from "../core/answers.js";
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
  #signIns = new Answers();
  #answers = {
    markets: new Answers(), accounts: new Answers(), feed: new Answers(), round: new Answers(),
    boardOptions: new Answers(), board: new Answers(), notices: new Answers(),
  };

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
    const isNew = this.#signIns.ask();
    await ask("GET", "/v1/admin/accounts?limit=1", headersOf(key));
    if (!isNew()) return; // another key was taken meanwhile
    this.#key = key;
    this.signedIn.value = true;
    await this.refresh();
  }

  /** Forget the key, and everything that was read with it. */
  signOut() {
    this.#key = "";
    for (const answers of Object.values(this.#answers)) answers.forget();
    batch(() => {
      this.signedIn.value = this.config.auth === "open";
      this.trouble.value = "";
      for (const list of [this.markets, this.accounts, this.sent]) list.value = [];
      for (const reply of [this.feedHealth, this.round, this.results, this.board,
        this.boardOptions]) reply.value = null;
      this.moreAccounts.value = false;
      this.search.value = "";
    });
  }

  /**
   * Ask the gateway. Rejects with a Problem.
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   */
  async request(method, path, body) {
    const key = this.#key;
    try {
      const { content } = await ask(method, path, headersOf(key), body);
      if (key === this.#key) this.trouble.value = "";
      return content;
    } catch (error) {
      const problem = asProblem(error);
      // The refusal of a former key says nothing about the present one.
      if (key !== this.#key) throw problem;
      this.trouble.value = problem.passing ? problem.message : "";
      if (problem.status === 401 && key) {
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

  /**
   * Ask, and show the answer unless it is out of date.
   * @param {Answers} answers
   * @param {string} path
   * @param {(content: any) => void} show
   */
  async #read(answers, path, show) {
    const isNew = answers.ask();
    const content = await this.request("GET", path);
    if (isNew()) show(content);
  }

  #readMarkets() {
    return this.#read(this.#answers.markets, "/v1/instruments", ({ instruments }) => {
      this.markets.value = instruments;
    });
  }

  #readAccounts() {
    const name = this.search.value.trim();
    const prefix = name ? `&prefix=${encodeURIComponent(name)}` : "";
    const path = `/v1/admin/accounts?limit=${PAGE_LIMIT}${prefix}`;
    return this.#read(this.#answers.accounts, path, (page) => {
      this.accounts.value = page.accounts;
      this.moreAccounts.value = page.next_cursor !== null;
    });
  }

  async #readRound() {
    const isNew = this.#answers.round.ask();
    const { round } = await this.request("GET", "/v1/round");
    if (!isNew()) return;
    const before = this.round.value;
    this.round.value = round;
    if (round?.state !== "ended") this.results.value = null;
    else if (before?.number !== round.number || this.results.value === null) {
      // A round that was replaced before its start has no results.
      const path = `/v1/admin/rounds/${round.number}/results`;
      const results = await this.request("GET", path).catch((error) => {
        asProblem(error);
        return null;
      });
      if (isNew()) this.results.value = results;
    }
  }

  async #readBoard() {
    await this.#read(this.#answers.boardOptions, "/v1/admin/leaderboard/options", (options) => {
      this.boardOptions.value = options;
    });
    await this.#read(this.#answers.board, "/v1/admin/leaderboard", (board) => {
      this.board.value = board;
    });
  }

  #readNotices() {
    return this.#read(this.#answers.notices, "/v1/notices", ({ notices }) => {
      this.sent.value = notices;
    });
  }

  async #readFeed() {
    const isNew = this.#answers.feed.ask();
    let health = null;
    try {
      health = (await ask("GET", `${this.feedUrl}/health`, {})).content;
    } catch (error) {
      asProblem(error);
    }
    if (isNew()) this.feedHealth.value = health;
  }
}

/**
 * @param {string} key empty at an open venue
 * @returns {Record<string, string>}
 */
function headersOf(key) {
  return key ? { Authorization: `Bearer ${key}` } : {};
}
