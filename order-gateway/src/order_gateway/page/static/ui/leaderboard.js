/** A leaderboard as a table, for traders and organisers. */

import { h } from "preact";

import { Signed } from "./ui.js";

const SHOWN = 100;

/** @param {{board: Record<string, any>, own?: string}} props */
export function Leaderboard({ board, own = "" }) {
  if (board.ranks.length === 0) return h("p", { class: "muted" }, "Nobody has traded yet.");
  const since = board.round === null ? "" : `, since the start of round ${board.round}`;
  return [
    h(
      "table",
      { key: "ranks", class: "ranks" },
      h("caption", null, `Profit and loss in ${board.valued_in}${since}`),
      h("thead", null, h("tr", null, ["#", "Name", "P&L", "Trades"].map((name) =>
        h("th", { key: name, scope: "col", class: name === "Name" ? "" : "number" }, name)))),
      h("tbody", null, board.ranks.slice(0, SHOWN).map((/** @type {any} */ row) =>
        h("tr", { key: row.name, class: row.name === own ? "mine" : "" },
          h("td", { class: "number" }, row.rank),
          h("th", { scope: "row" }, row.name),
          h("td", { class: "number" }, h(Signed, { amount: row.pnl, decimals: 2 })),
          h("td", { class: "number" }, row.trades)))),
    ),
    board.accounts > SHOWN &&
      h("p", { key: "more", class: "muted" }, `The best ${SHOWN} of ${board.accounts}.`),
  ];
}
