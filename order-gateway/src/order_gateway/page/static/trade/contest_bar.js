/** The clock of the round, and the organiser's newest notice. */

import { h } from "preact";
import { useEffect, useState } from "preact/hooks";

/** @typedef {import("./session.js").Session} Session */

const INTERVAL_MS = 500;

/** @param {{session: Session}} props */
export function RoundClock({ session }) {
  const round = session.contest.round.value;
  const [, setTick] = useState(0);
  const isCounting = round !== null && round.state !== "ended";
  useEffect(() => {
    if (!isCounting) return;
    const timer = setInterval(() => setTick((tick) => tick + 1), INTERVAL_MS);
    return () => clearInterval(timer);
  }, [isCounting]);
  if (round === null) return null;
  const now = Date.now() + session.feed.clockBehindMs.peek();
  if (round.state === "ended") {
    return h("span", { class: "round muted" }, `${round.name}: over`);
  }
  const isRunning = round.state === "running";
  const auctionEnds = round.auction_ends_at ? Date.parse(round.auction_ends_at) : 0;
  const inAuction = isRunning && now < auctionEnds;
  const until = inAuction
    ? auctionEnds
    : Date.parse(isRunning ? round.ends_at : round.starts_at);
  return h(
    "span",
    { class: `round ${isRunning ? "good" : "warn"}`, role: "timer" },
    h("span", { class: "round-name" }, round.name),
    ` ${inAuction ? "auction ends" : isRunning ? "ends" : "begins"} in `,
    h("strong", null, countdown(until - now)),
  );
}

/** @param {{session: Session}} props */
export function NoticeBar({ session }) {
  const notice = session.contest.notice.value;
  if (notice === null) return null;
  return h(
    "p",
    { class: "notice-bar" },
    h("strong", null, "Organiser: "),
    h("span", null, notice.text),
    h("button", { type: "button", class: "small", "aria-label": "Dismiss the notice",
      onClick: () => session.contest.dismiss(notice) }, "✕"),
  );
}

/** @param {number} ms */
function countdown(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  if (parts[0] === 0) parts.shift();
  return parts.map((part, index) => String(part).padStart(index === 0 ? 1 : 2, "0")).join(":");
}
