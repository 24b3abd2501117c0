/** The contest as a trader sees it: the round, notices, the leaderboard. */

import { effect, signal } from "@preact/signals";

import { Answers } from "../core/answers.js";
import { asProblem } from "../venue/gateway.js";
import { kept } from "../ui/preferences.js";
import { notify, say } from "../ui/notices.js";

/** @typedef {import("./session.js").Session} Session */
/**
 * @typedef {{number: number, name: string, state: "scheduled" | "running" | "ended",
 *            starts_at: string, ends_at: string, auction_ends_at?: string | null}} Round
 * @typedef {{notice_id: string, text: string, timestamp: string}} Notice
 */

const INTERVAL_MS = 5_000;
// A notice that was sent while the page was closed is shown up to this age.
const NOTICE_SHOWN_FOR_MS = 15 * 60_000;

const dismissed = kept("notice", /** @type {string} */ (""));

export class ContestView {
  /** @param {Session} session */
  constructor(session) {
    /** @type {import("@preact/signals").Signal<Round | null>} */
    this.round = signal(null);
    /** The newest notice that was not dismissed. */
    this.notice = signal(/** @type {Notice | null} */ (null));
    /** The performance of the account. */
    this.performance = signal(/** @type {Record<string, any> | null} */ (null));
    /** @type {import("@preact/signals").Signal<Record<string, any> | null>} */
    this.leaderboard = signal(null);
    /** The reason why the leaderboard cannot be shown; empty if it can. */
    this.hidden = signal("");
    this.#session = session;
  }

  #session;
  #leaderboardUsers = 0;
  #rounds = new Answers();
  #notices = new Answers();
  #performances = new Answers();
  #leaderboards = new Answers();

  start() {
    const { trader, feed } = this.#session;
    feed.onVenue = (event) => this.#told(event);
    let account = "";
    effect(() => {
      if (trader.name.value === account) return;
      account = trader.name.value;
      this.#forget();
      if (account) void this.#readAll();
      if (account && this.#leaderboardUsers > 0) void this.#readLeaderboard();
    });
    // The feed sends changes, but not the changes of the time without a connection.
    effect(() => {
      if (feed.phase.value === "live" && trader.name.peek()) void this.#readAll();
    });
    setInterval(() => void this.refresh(), INTERVAL_MS);
  }

  /** Follow the leaderboard while it is shown. @returns {() => void} ends the following */
  showLeaderboard() {
    this.#leaderboardUsers += 1;
    void this.#readLeaderboard();
    return () => {
      this.#leaderboardUsers -= 1;
    };
  }

  async refresh() {
    if (document.hidden || !this.#session.trader.name.value) return;
    await this.#readPerformance();
    if (this.#leaderboardUsers > 0) await this.#readLeaderboard();
  }

  /** @param {Notice} notice */
  dismiss(notice) {
    dismissed.value = notice.notice_id;
    this.notice.value = null;
  }

  /** The figures of one account are not those of the next one. */
  #forget() {
    this.#performances.forget();
    this.#leaderboards.forget();
    this.performance.value = null;
    this.leaderboard.value = null;
    this.hidden.value = "";
  }

  async #readAll() {
    await Promise.all([this.#readRound(), this.#readNotice(), this.#readPerformance()]);
  }

  async #readRound() {
    const isNew = this.#rounds.ask();
    const found = await this.#read("/v1/round");
    if (found !== null && isNew()) this.round.value = found.round;
  }

  async #readNotice() {
    const isNew = this.#notices.ask();
    const found = await this.#read("/v1/notices");
    if (found === null || !isNew()) return;
    const newest = found.notices[0];
    if (newest === undefined) {
      this.notice.value = null; // the venue was reset
    } else if (newest.notice_id !== dismissed.value) {
      const ageMs = Date.now() - Date.parse(newest.timestamp);
      if (ageMs < NOTICE_SHOWN_FOR_MS) this.notice.value = newest;
    }
  }

  async #readPerformance() {
    const isNew = this.#performances.ask();
    const found = await this.#read("/v1/account/performance");
    if (found !== null && isNew()) this.performance.value = found;
  }

  async #readLeaderboard() {
    const isNew = this.#leaderboards.ask();
    try {
      const { content } = await this.#session.trader.request("GET", "/v1/leaderboard");
      if (!isNew()) return;
      this.leaderboard.value = content;
      this.hidden.value = "";
    } catch (error) {
      const problem = asProblem(error);
      if (!problem.passing && isNew()) this.hidden.value = problem.message;
    }
  }

  /** @param {string} path */
  async #read(path) {
    try {
      return (await this.#session.trader.request("GET", path)).content;
    } catch (error) {
      asProblem(error);
      return null; // the banner shows that the gateway is away
    }
  }

  /** @param {Record<string, any>} event */
  #told(event) {
    if (event.change === "notice") {
      this.#notices.forget();
      this.notice.value = event.notice;
      say(`Notice: ${event.notice.text}`);
    } else if (event.change === "round") {
      this.#rounds.forget();
      const before = this.round.value;
      this.round.value = event.round;
      if (before?.number !== event.round.number || before?.state !== event.round.state) {
        notify("info", describeRound(event.round));
      }
      void this.refresh();
    }
  }
}

/** @param {Round} round */
export function describeRound(round) {
  const words = { scheduled: "is announced", running: "has begun", ended: "is over" };
  return `${round.name} ${words[round.state]}.`;
}
