/** The obstacles to trading now, one sentence each; empty if there is none. */

import { h } from "preact";
import { useEffect, useState } from "preact/hooks";

import { describeState } from "../ui/wording.js";

/** @typedef {import("./session.js").Session} Session */

const CLOCK_OFF_MS = 5_000;
// A connection that comes back within this time shows no banner.
const PATIENCE_MS = 800;

/** @param {{session: Session}} props */
export function Banner({ session }) {
  const late = useLate(() => feedTrouble(session) !== "");
  /** @type {[string, string][]} */
  const rows = [];
  const refused = session.trader.trouble.value || session.trouble.value;
  if (refused) rows.push(["bad", `Orders: ${refused}`]);
  const trouble = feedTrouble(session);
  if (trouble && late) rows.push(["bad", trouble]);
  const instrument = session.instrument.value;
  if (instrument !== null && instrument.state !== "trading") {
    rows.push(["warn", describeState(instrument.symbol, instrument.state)]);
  }
  if (session.trader.terms.value?.state === "blocked") {
    rows.push(["warn",
      "This account is blocked: it may only cancel. An administrator can unblock it."]);
  }
  const behind = session.feed.clockBehindMs.value;
  if (Math.abs(behind) > CLOCK_OFF_MS) {
    const seconds = Math.round(Math.abs(behind) / 1000);
    rows.push(["warn",
      `This computer's clock is ${seconds} s ${behind > 0 ? "behind" : "ahead of"} ` +
      "the venue's; times of orders are the venue's."]);
  }
  return h(
    "div",
    { class: "banners", role: "alert" },
    rows.map(([kind, text]) => h("p", { key: text, class: kind }, h("span",
      { "aria-hidden": "true" },
      kind === "bad" ? "✕ " : "⚠ "), text)),
  );
}

/** @param {Session} session */
function feedTrouble(session) {
  const { feed } = session;
  const privateFeed = session.trader.feed;
  switch (feed.phase.value) {
    case "stale":
      return "Prices may be old: the feed has lost the venue. The feed connects again by itself.";
    case "waiting":
    case "connecting":
      return `Reconnecting to the feed. ${feed.reason.value} Nothing is lost: it resumes.`;
    case "refused":
      return `${feed.reason.value} Reload the page.`;
  }
  switch (privateFeed.phase.value) {
    case "waiting":
    case "connecting":
      return "Reconnecting to your orders and balances.";
    case "refused":
      return `Your orders are not shown live. ${privateFeed.reason.value}`;
  }
  return "";
}

/**
 * Whether a condition has held for longer than `PATIENCE_MS`.
 * @param {() => boolean} isSo
 */
function useLate(isSo) {
  const now = isSo();
  const [late, setLate] = useState(false);
  useEffect(() => {
    setLate(false);
    if (!now) return;
    const timer = setTimeout(() => setLate(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [now]);
  return late && now;
}
