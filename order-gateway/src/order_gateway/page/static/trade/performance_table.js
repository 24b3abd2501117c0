/** The performance of the account, by market and as a whole. */

import { h } from "preact";

import { grouped, trimmed } from "../core/decimal.js";
import { Signed } from "../ui/ui.js";

/** @param {{session: import("./session.js").Session}} props */
export function PerformanceTable({ session }) {
  const found = session.contest.performance.value;
  if (found === null) {
    const told = session.trader.name.value ? "Loading …" : "Choose an account to trade.";
    return h("p", { class: "empty" }, told);
  }
  const facts = /** @type {[string, any][]} */ ([
    ["Profit and loss", h(Signed, { amount: found.pnl, decimals: 2 })],
    ["Realised", h(Signed, { amount: found.realised, decimals: 2 })],
    ["Fees", grouped(short(found.fees))],
    ["Equity", grouped(short(found.equity))],
    ["Deposits", grouped(short(found.deposits))],
    ["Volume", grouped(short(found.volume))],
    ["Trades", String(found.trades)],
  ]);
  return [
    h("dl", { key: "facts", class: "figures" }, facts.map(([name, value]) =>
      h("div", { key: name }, h("dt", null, name), h("dd", null, value)))),
    h("p", { key: "note", class: "muted note" },
      `In ${found.valued_in} at ${found.price === "mid" ? "mid" : "last"} prices; ` +
        "profit is equity less deposits at the same prices.",
      !found.complete && " Figures of trading begin where the account's log does."),
    found.markets.length > 0 && h(
      "table",
      { key: "markets", class: "wide" },
      h("caption", { class: "sr" }, "Profit and loss by market"),
      h("thead", null, h("tr", null,
        ["Market", "Position", "Average price", "Unrealised", "Realised", "Volume", "Trades"]
          .map((name) => h("th", { key: name, scope: "col",
            class: name === "Market" ? "" : "number" },
            name)))),
      h("tbody", null, found.markets.map((/** @type {any} */ market) =>
        h("tr", { key: market.symbol },
          h("td", { "data-label": "Market" }, market.symbol),
          h("td", { class: "number", "data-label": "Position" }, h(Signed,
            { amount: trimmed(market.position) })),
          h("td", { class: "number", "data-label": "Average price" },
            market.average_price === null ? "–" : grouped(market.average_price)),
          h("td", { class: "number", "data-label": "Unrealised" },
            market.unrealised === null ? "–" : h(Signed, { amount: market.unrealised,
              decimals: 2 })),
          h("td", { class: "number", "data-label": "Realised" },
            h(Signed, { amount: market.realised, decimals: 2 })),
          h("td", { class: "number", "data-label": "Volume" }, grouped(short(market.volume))),
          h("td", { class: "number", "data-label": "Trades" }, market.trades)))),
    ),
  ];
}

/** @param {string} amount cut to two digits behind the point: a figure to look at, not to add up */
function short(amount) {
  const point = amount.indexOf(".");
  return point < 0 ? amount : amount.slice(0, point + 3);
}
