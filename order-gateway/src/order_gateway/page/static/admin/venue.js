/** The venue as a whole: readiness, connected clients, and the switch that halts all markets. */

import { h } from "preact";

import { STATES } from "../ui/wording.js";
import { confirmFirst } from "./confirm.js";

/** @typedef {import("./desk.js").Desk} Desk */

/** @param {{desk: Desk}} props */
export function Venue({ desk }) {
  const health = desk.feedHealth.value;
  const states = new Map();
  for (const market of desk.markets.value) {
    states.set(market.state, (states.get(market.state) ?? 0) + 1);
  }
  const summary = [...states].map(([state, count]) => `${count} ${STATES[state].toLowerCase()}`);
  return h(
    "section",
    { class: "card", "aria-labelledby": "venue-title" },
    h("header", null, h("h2", { id: "venue-title" }, "Venue")),
    h(
      "dl",
      { class: "facts" },
      h("div", null, h("dt", null, "Markets"), h("dd", null, summary.join(", ") || "–")),
      h("div", null, h("dt", null, "Accounts"),
        h("dd", null,
          `${desk.accounts.value.length}${desk.moreAccounts.value ? " and more" : ""}`)),
      h("div", null, h("dt", null, "Connected to the feed"),
        h("dd", null,
          health ? String(health.active_connections ?? "–") : "feed cannot be reached")),
    ),
    h(
      "div",
      { class: "buttons" },
      h("button", { type: "button", class: "place sell", onClick: () => confirmFirst({
        title: "Stop all trading?",
        text: "Every market accepts cancels only, and all orders of all accounts are canceled.",
        verb: "Stop all trading",
        run: () => void desk.act(() => kill(desk)),
      }) }, "Stop all trading"),
      h("button", { type: "button", onClick: () => void desk.act(() => resume(desk)) },
        "Resume trading"),
    ),
  );
}

/** @param {Desk} desk */
async function kill(desk) {
  const answer = await desk.request("POST", "/v1/admin/kill");
  const halted = answer.halted.length > 0 ? ` Halted markets keep theirs: ${answer.halted}.` : "";
  return `Trading is stopped; ${answer.canceled_count} orders were canceled.${halted}`;
}

/** @param {Desk} desk */
async function resume(desk) {
  const answer = await desk.request("POST", "/v1/admin/resume");
  return `${answer.switched.length} markets trade again.`;
}
