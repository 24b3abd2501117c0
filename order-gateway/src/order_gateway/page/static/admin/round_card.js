/** Rounds: start or announce a round, move its end, end it, and show its results. */

import { h } from "preact";
import { useState } from "preact/hooks";

import { Leaderboard } from "../ui/leaderboard.js";
import { dateAndTime } from "../ui/wording.js";
import { confirmFirst } from "./confirm.js";

/** @typedef {import("./desk.js").Desk} Desk */

const MINUTE_S = 60;
const STATES = /** @type {Record<string, string>} */ ({
  scheduled: "Announced", running: "Running", ended: "Over",
});

/** @param {{desk: Desk}} props */
export function RoundCard({ desk }) {
  const round = desk.round.value;
  const isOver = round === null || round.state === "ended";
  return h(
    "section",
    { class: "card", "aria-labelledby": "round-title" },
    h("header", null, h("h2", { id: "round-title" }, "Round")),
    round !== null && h(
      "dl",
      { class: "facts" },
      h("div", null, h("dt", null, round.name), h("dd", null, STATES[round.state])),
      h("div", null, h("dt", null, "Begins"), h("dd", null, dateAndTime(round.starts_at))),
      h("div", null, h("dt", null, "Ends"), h("dd", null, dateAndTime(round.ends_at))),
    ),
    isOver ? h(NewRound, { desk }) : h(RunningRound, { desk }),
    round?.state === "ended" && h(Results, { desk }),
  );
}

/** @param {{desk: Desk}} props */
function NewRound({ desk }) {
  const number = (desk.round.value?.number ?? 0) + 1;
  const [name, setName] = useState("");
  const [minutes, setMinutes] = useState("10");
  const [starts, setStarts] = useState("");
  const [auction, setAuction] = useState("");
  const [halts, setHalts] = useState(false);
  const begin = (/** @type {Event} */ event) => {
    event.preventDefault();
    void desk.act(async () => {
      const seconds = Math.round(Number(minutes) * MINUTE_S);
      const made = await desk.request("POST", "/v1/admin/round", {
        name: name.trim() || `Round ${number}`,
        duration_s: Number.isFinite(seconds) ? seconds : 0,
        starts_at: starts ? new Date(starts).toISOString() : null,
        closed_state: halts ? "halted" : "cancel_only",
        auction_s: auction.trim() || "0",
      });
      // The next round may be typed already.
      setName((now) => (now === name ? "" : now));
      setStarts((now) => (now === starts ? "" : now));
      return made.state === "running" ? `${made.name} has begun.` : `${made.name} is announced.`;
    });
  };
  return h(
    "form",
    { onSubmit: begin, class: "stack" },
    h("label", { class: "line" }, h("span", null, "Name"),
      h("input", { type: "text", maxLength: 64, placeholder: `Round ${number}`, value: name,
        onInput: (/** @type {any} */ event) => setName(event.target.value) })),
    h("label", { class: "line" }, h("span", null, "Minutes"),
      h("input", { type: "text", inputMode: "decimal", value: minutes,
        onInput: (/** @type {any} */ event) => setMinutes(event.target.value) })),
    h("label", { class: "line" }, h("span", null, "Begins (empty: now)"),
      h("input", { type: "datetime-local", step: 1, value: starts,
        onInput: (/** @type {any} */ event) => setStarts(event.target.value) })),
    h("label", { class: "line" }, h("span", null, "Seconds of auction (empty: none)"),
      h("input", { type: "text", inputMode: "numeric", value: auction,
        onInput: (/** @type {any} */ event) => setAuction(event.target.value) })),
    h("label", { class: "check" },
      h("input", { type: "checkbox", checked: halts,
        onChange: (/** @type {any} */ event) => setHalts(event.target.checked) }),
      "Halt the markets outside of it, cancels included"),
    h("div", { class: "buttons" },
      h("button", { type: "submit", class: "primary" },
        starts ? "Announce the round" : "Begin the round")),
  );
}

/** @param {{desk: Desk}} props */
function RunningRound({ desk }) {
  const round = /** @type {Record<string, any>} */ (desk.round.value);
  const prolong = (/** @type {number} */ minutes) => void desk.act(async () => {
    const ends = new Date(Date.parse(round.ends_at) + minutes * MINUTE_S * 1000).toISOString();
    const moved = await desk.request("PATCH", "/v1/admin/round", { ends_at: ends });
    return `${moved.name} ends at ${dateAndTime(moved.ends_at)}.`;
  });
  const isRunning = round.state === "running";
  return h(
    "div",
    { class: "buttons" },
    h("button", { type: "button", onClick: () => prolong(1) }, "1 minute more"),
    h("button", { type: "button", onClick: () => prolong(5) }, "5 minutes more"),
    h("button", { type: "button", class: "primary", onClick: () => confirmFirst({
      title: isRunning ? `End ${round.name} now?` : `Drop ${round.name}?`,
      text: isRunning
        ? "Its markets close, open orders are canceled, and the leaderboard becomes its result."
        : "The markets stay closed until they are opened.",
      verb: isRunning ? "End the round" : "Drop the round",
      run: () => void desk.act(async () => {
        const ended = await desk.request("POST", "/v1/admin/round/end");
        return `${ended.name} is over.`;
      }),
    }) }, isRunning ? "End the round" : "Drop the round"),
  );
}

/** @param {{desk: Desk}} props */
function Results({ desk }) {
  const results = desk.results.value;
  if (results === null) return null;
  return h("details", null, h("summary", null, "Results of the round"),
    h(Leaderboard, { board: results }));
}
