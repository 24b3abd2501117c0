/** The footer: latency, sequence number, proof of the book, and licences of libraries. */

import { h } from "preact";
import { useEffect, useState } from "preact/hooks";

import { grouped } from "../core/decimal.js";
import { Popover } from "../ui/ui.js";

/** @typedef {import("./session.js").Session} Session */

const INTERVAL_MS = 1_000;
const PHASES = /** @type {Record<string, [string, string]>} */ ({
  live: ["good", "Live"],
  stale: ["warn", "Stale"],
  connecting: ["warn", "Connecting"],
  waiting: ["bad", "Reconnecting"],
  refused: ["bad", "Refused"],
  off: ["muted", "Off"],
});

/** @param {{session: Session}} props */
export function Footer({ session }) {
  const tick = useTick();
  const { feed, market } = session;
  const [kind, phase] = PHASES[feed.phase.value] ?? PHASES.off;
  const tracker = market.trades?.tracker;
  return h(
    "footer",
    { class: "foot" },
    h("span", { class: `phase ${kind}` }, h("span", { "aria-hidden": "true" }, "● "), phase),
    h(BookProof, { session, tick }),
    tracker && h("span", { class: "seq" }, `seq ${grouped(String(tracker.last))}`),
    h("span", null, `feed ${inMs(feed.roundTripMs.value)}`),
    h("span", null, `order ${inMs(session.trader.orderMs.value)}`),
    h(Details, { session, tick }),
    h("span", { class: "credits" },
      "Charts: ",
      h("a", { href: "https://www.tradingview.com/", rel: "noreferrer", target: "_blank" },
        "TradingView Lightweight Charts™"),
      " © 2026 TradingView, Inc. · ",
      h("a", { href: "/docs" }, "API")),
  );
}

/** @param {{session: Session, tick: number}} props */
function BookProof({ session }) {
  const interest = session.market.book;
  if (interest === null) return null;
  if (!interest.book.known) return h("span", { class: "warn" }, "book: loading");
  const seconds = Math.round((performance.now() - interest.provenAtMs) / 1000);
  return interest.provenAtMs > 0
    ? h("span", { class: "good", title: `Checksum compared ${seconds} s ago` }, "✓ book verified")
    : h("span", { class: "warn" }, "book not verified");
}

/** @param {{session: Session, tick: number}} props */
function Details({ session }) {
  const { feed, market } = session;
  const rows = /** @type {[string, string][]} */ ([
    ["Messages", grouped(String(feed.messages))],
    ["Connections", String(feed.connections)],
    ["Trades missed", String(market.trades?.missed ?? 0)],
    ["Repeated trades that were dropped", String(market.trades?.tracker.duplicates ?? 0)],
    ["Book checksums that matched", String(market.book?.proofs ?? 0)],
    ["Book checksums that did not match", String(market.book?.failures ?? 0)],
  ]);
  return h(
    Popover,
    { id: "connection", class: "link", title: "Connection", label: "Details" },
    h("table", { class: "legend" }, h("caption", { class: "sr" }, "Connection"),
      h("tbody", null, rows.map(([name, value]) =>
        h("tr", { key: name }, h("th", { scope: "row" }, name), h("td", { class: "number" },
          value))))),
  );
}

/** @param {number | null} ms */
function inMs(ms) {
  return ms === null ? "–" : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/**
 * Counts seconds, because ages change without an event. The count is a prop of all components that
 * show ages: a component with unchanged props is not drawn again.
 */
function useTick() {
  const [tick, setTick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTick((tick) => tick + 1), INTERVAL_MS);
    return () => clearInterval(timer);
  }, []);
  return tick;
}
