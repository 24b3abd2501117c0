/** The header: the market, its last 24 hours, the account, the settings. */

import { h } from "preact";
import { useState } from "preact/hooks";

import { decimalsOf, grouped, percent, toUnits, trimmed } from "../core/decimal.js";
import { AccountMenu } from "./account_menu.js";
import { RoundClock } from "./contest_bar.js";
import { LeaderboardMenu } from "./leaderboard_menu.js";
import { SettingsMenu } from "./settings_menu.js";
import { Popover, closePopover } from "../ui/ui.js";
import { STATES } from "../ui/wording.js";

/** @typedef {import("./session.js").Session} Session */

const SEARCH_FROM = 8;

/** @param {{session: Session}} props */
export function Header({ session }) {
  return h(
    "header",
    { class: "top" },
    h("a", { class: "brand", href: "/", title: "Tapewire" }, h("img", { src: "/page/icon.svg",
      alt: "", width: 20, height: 20 }),
      h("span", { class: "name" }, "Tapewire")),
    h(SymbolPicker, { session }),
    h(Stats, { session }),
    h("div", { class: "right" }, h(RoundClock, { session }), h(LeaderboardMenu, { session }),
      h(AccountMenu, { session }), h(SettingsMenu, { session })),
  );
}

/** @param {{session: Session}} props */
function SymbolPicker({ session }) {
  const [search, setSearch] = useState("");
  void session.pricesVersion.value;
  const markets = [...session.instruments.value.values()].filter((market) =>
    market.symbol.toLowerCase().includes(search.trim().toLowerCase()));
  const symbol = session.symbol.value;
  return h(
    Popover,
    {
      id: "markets",
      class: "symbol",
      title: "Markets",
      label: [h("h1", { key: "name" }, symbol || "…"), h("span", { key: "more",
        "aria-hidden": "true" }, "▾")],
      name: `Market: ${symbol}`,
    },
    session.instruments.value.size > SEARCH_FROM &&
      h("input", { type: "search", placeholder: "Search", "aria-label": "Search markets",
        value: search,
        onInput: (/** @type {any} */ event) => setSearch(event.target.value) }),
    h(
      "ul",
      { class: "markets" },
      markets.map((market) => {
        const candle = session.prices.get(market.symbol);
        const change = candle ? changeOf(candle.open, candle.close) : null;
        return h(
          "li",
          { key: market.symbol },
          h(
            "button",
            {
              type: "button",
              "aria-current": market.symbol === symbol ? "true" : undefined,
              onClick: () => {
                session.choose(market.symbol);
                closePopover("markets");
              },
            },
            h("span", { class: "name" }, market.symbol,
              market.state !== "trading" && h("small", null, ` ${STATES[market.state]}`)),
            h("span", { class: "number" }, candle ? grouped(candle.close) : "–"),
            h(Change, { change }),
          ),
        );
      }),
    ),
    h("p", { class: "muted" }, "Change since midnight UTC"),
  );
}

/** @param {{session: Session}} props */
function Stats({ session }) {
  const ticker = session.market.ticker.value;
  const last = session.market.last.value;
  const instrument = session.instrument.value;
  const price = session.price.value;
  const change = ticker?.open && price ? changeOf(ticker.open, price) : null;
  return h(
    "dl",
    { class: "stats" },
    h("div", { class: "last" }, h("dt", { class: "sr" }, "Last price"),
      h("dd", { class: last ? (last.side === "buy" ? "up" : "down") : "" },
        price ? grouped(price) : "–",
        last && h("span", { "aria-hidden": "true" }, last.side === "buy" ? " ▲" : " ▼"))),
    h("div", null, h("dt", null, "24 h change"), h("dd", null, h(Change, { change }))),
    h("div", null, h("dt", null, "24 h high"), h("dd", null,
      ticker?.high ? grouped(ticker.high) : "–")),
    h("div", null, h("dt", null, "24 h low"), h("dd", null,
      ticker?.low ? grouped(ticker.low) : "–")),
    h("div", { class: "volume" }, h("dt", null, `24 h volume (${instrument?.base ?? ""})`),
      h("dd", null, ticker ? grouped(trimmed(ticker.volume)) : "–")),
  );
}

/** @param {{change: string | null}} props a percentage with its sign */
function Change({ change }) {
  if (change === null) return h("span", { class: "number muted" }, "–");
  const kind = change.startsWith("-") ? "down" : change === "0.00" ? "muted" : "up";
  return h("span", { class: `number ${kind}` }, `${change} %`);
}

/**
 * @param {string} open
 * @param {string} close
 */
function changeOf(open, close) {
  const decimals = decimalsOf(open);
  const start = toUnits(open, decimals);
  return percent(toUnits(close, decimals) - start, start);
}
