/** The contest as a trader sees it: the round, notices, the leaderboard. */

import { effect, signal } from "@preact/signals";

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

  start() {
    const { trader, feed } = this.#session;
    feed.onVenue = (event) => this.#told(event);
    let account = "";
    effect(() => {
      if (trader.name.value === account) return;
      account = trader.name.value;
      this.performance.value = null;
      if (account) void this.#readAll();
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

  async #readAll() {
    const round = await this.#read("/v1/round");
    if (round !== null) this.round.value = round.round;
    const notices = await this.#read("/v1/notices");
    const newest = notices?.notices[0];
    if (newest !== undefined && newest.notice_id !== dismissed.value) {
      const ageMs = Date.now() - Date.parse(newest.timestamp);
      if (ageMs < NOTICE_SHOWN_FOR_MS) this.notice.value = newest;
    }
    await this.#readPerformance();
  }

  async #readPerformance() {
    const found = await this.#read("/v1/account/performance");
    if (found !== null) this.performance.value = found;
  }

  async #readLeaderboard() {
    try {
      const { content } = await this.#session.trader.request("GET", "/v1/leaderboard");
      this.leaderboard.value = content;
      this.hidden.value = "";
    } catch (error) {
      const problem = asProblem(error);
      if (!problem.passing) this.hidden.value = problem.message;
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
      this.notice.value = event.notice;
      say(`Notice: ${event.notice.text}`);
    } else if (event.change === "round") {
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
