/** The leaderboard, and the options of its visibility. */

import { h } from "preact";

import { Leaderboard } from "../ui/leaderboard.js";

/** @typedef {import("./desk.js").Desk} Desk */

const DELAYS = /** @type {const} */ ([[0, "at once"], [60, "1 minute late"], [300,
  "5 minutes late"],
  [900, "15 minutes late"]]);

/** @param {{desk: Desk}} props */
export function LeaderboardCard({ desk }) {
  const board = desk.board.value;
  const options = desk.boardOptions.value;
  const change = (/** @type {Record<string, unknown>} */ body) => void desk.act(async () => {
    await desk.request("PUT", "/v1/admin/leaderboard/options", body);
    return "The leaderboard is shown as chosen.";
  });
  const choice = (/** @type {string} */ label, /** @type {string} */ value,
    /** @type {[string, string][]} */ choices, /** @type {(value: string) => void} */ onChoose) =>
    h("label", { class: "line" }, h("span", null, label),
      h("select", { value, onChange: (/** @type {any} */ event) => onChoose(event.target.value) },
        choices.map(([each, text]) => h("option", { key: each, value: each }, text))));
  return h(
    "section",
    { class: "card board", "aria-labelledby": "board-title" },
    h("header", null, h("h2", { id: "board-title" }, "Leaderboard")),
    options !== null && h(
      "div",
      { class: "stack" },
      choice("Seen by", options.visibility, [["all", "everybody"], ["admins",
        "administrators only"]],
        (visibility) => change({ visibility })),
      choice("Seen", String(options.delay_s), delaysWith(options.delay_s),
        (delay) => change({ delay_s: Number(delay) })),
      choice("Names", options.names, [["accounts", "accounts"], ["aliases", "aliases"]],
        (names) => change({ names })),
      choice("Prices", options.price, [["last", "last trade"], ["mid", "middle of the book"]],
        (price) => change({ price })),
    ),
    board !== null && h("div", { class: "scroll", tabIndex: 0, role: "region",
      "aria-label": "Ranks" },
      h(Leaderboard, { board })),
  );
}

/**
 * The usual delays, and the present delay.
 * @param {number} delay
 * @returns {[string, string][]}
 */
function delaysWith(delay) {
  const usual = DELAYS.map(([each, text]) => /** @type {[string, string]} */ ([String(each),
    text]));
  return usual.some(([each]) => each === String(delay))
    ? usual
    : [...usual, [String(delay), `${delay} s late`]];
}
