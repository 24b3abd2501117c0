/** Markets: their states, one by one and all at once. */

import { h } from "preact";

import { Segments } from "../ui/ui.js";
import { STATES } from "../ui/wording.js";
import { confirmFirst } from "./confirm.js";

/** @typedef {import("./desk.js").Desk} Desk */

const OPTIONS = Object.entries(STATES).map(([value, text]) => ({ value, text }));
const ALL = /** @type {const} */ ([
  ["trading", "Open all", "Every market accepts every order from now on."],
  ["auction", "Auction all",
    "Orders are collected; all that cross trade at one price when the markets are opened."],
  ["post_only", "Post-only all", "Every market accepts cancels, and orders that add liquidity."],
  ["cancel_only", "Cancel-only all", "No new order is taken. Traders may cancel."],
  ["halted", "Halt all", "No order and no cancel is accepted until the markets are opened."],
]);

/** @param {{desk: Desk}} props */
export function Markets({ desk }) {
  const markets = desk.markets.value;
  return h(
    "section",
    { class: "card wide-card", "aria-labelledby": "markets-title" },
    h(
      "header",
      null,
      h("h2", { id: "markets-title" }, "Markets"),
      ALL.map(([state, text, meaning]) =>
        h("button", { key: state, type: "button", class: "small",
          onClick: () => confirmFirst({ title: `${text}?`, text: meaning, verb: text,
            run: () => void switchAll(desk, state) }) }, text)),
    ),
    h(
      "table",
      { class: "wide" },
      h("caption", { class: "sr" }, "Markets and their states"),
      h("thead", null, h("tr", null,
        ["Market", "State", "Tick", "Lot", "Fees (maker, taker)", "Listing"].map((name) =>
          h("th", { key: name, scope: "col" }, name)))),
      h("tbody", null, markets.map((market) =>
        h("tr", { key: market.symbol },
          h("th", { scope: "row" }, market.symbol),
          h("td", { "data-label": "State" },
            h(Segments, { label: `State of ${market.symbol}`, options: OPTIONS, value: market.state,
              onChoose: (state) => void desk.act(() => switchOne(desk, market.symbol, state)) })),
          h("td", { "data-label": "Tick" }, market.tick_size),
          h("td", { "data-label": "Lot" }, market.lot_size),
          h("td", { "data-label": "Fees" },
            `${market.maker_fee_ppm} ppm, ${market.taker_fee_ppm} ppm`),
          h("td", { "data-label": "Listing" },
            h("button", { type: "button", class: "small", "aria-label": `Delist ${market.symbol}`,
              onClick: () => confirmFirst({ title: `Delist ${market.symbol}?`,
                text: "Every open order of the market is canceled, and no list shows it " +
                  "any more. Balances, trades and fills stay.",
                verb: "Delist", run: () => void desk.act(() => delist(desk, market.symbol)) }) },
            "Delist"))))),
    ),
  );
}

/**
 * @param {Desk} desk
 * @param {string} symbol
 * @param {string} state
 */
async function switchOne(desk, symbol, state) {
  await desk.request("PUT", `/v1/admin/markets/${encodeURIComponent(symbol)}`, { state });
  return `${symbol}: ${STATES[state].toLowerCase()}.`;
}

/**
 * @param {Desk} desk
 * @param {string} symbol
 */
async function delist(desk, symbol) {
  const path = `/v1/admin/instruments/${encodeURIComponent(symbol)}`;
  const done = await desk.request("DELETE", path);
  return `${symbol} is delisted; ${done.canceled_count} orders were canceled.`;
}

/**
 * @param {Desk} desk
 * @param {string} state
 */
function switchAll(desk, state) {
  return desk.act(async () => {
    const symbols = desk.markets.value.map((market) => market.symbol);
    await Promise.all(symbols.map((symbol) => switchOne(desk, symbol, state)));
    return `All ${symbols.length} markets: ${STATES[state].toLowerCase()}.`;
  });
}
