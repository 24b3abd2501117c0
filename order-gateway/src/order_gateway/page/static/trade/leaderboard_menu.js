/** The leaderboard, and the rank of the account. */

import { h } from "preact";
import { useEffect, useState } from "preact/hooks";

import { Leaderboard } from "../ui/leaderboard.js";
import { Popover } from "../ui/ui.js";

/** @typedef {import("./session.js").Session} Session */

/** @param {{session: Session}} props */
export function LeaderboardMenu({ session }) {
  const [isOpen, setOpen] = useState(false);
  const { contest } = session;
  useEffect(() => {
    const panel = document.getElementById("leaderboard");
    const toggled = (/** @type {any} */ event) => setOpen(event.newState === "open");
    panel?.addEventListener("toggle", toggled);
    return () => panel?.removeEventListener("toggle", toggled);
  }, []);
  useEffect(() => (isOpen ? contest.showLeaderboard() : undefined), [isOpen]);
  const hidden = contest.hidden.value;
  const board = contest.leaderboard.value;
  return h(
    Popover,
    { id: "leaderboard", class: "icon", align: "right", title: "Leaderboard",
      label: h(CupSign, null), name: "Leaderboard" },
    h("h2", null, "Leaderboard"),
    hidden
      ? h("p", { class: "muted" }, hidden)
      : board === null
        ? h("p", { class: "muted" }, "Loading …")
        : h(Leaderboard, { board, own: session.trader.name.value }),
  );
}

function CupSign() {
  return h("svg", { viewBox: "0 0 16 16", width: 15, height: 15, fill: "none",
    stroke: "currentColor",
    "stroke-width": 1.5, "stroke-linecap": "round", "stroke-linejoin": "round",
      "aria-hidden": "true" },
    h("path", { d: "M2 13.5h12M3.5 13V9h3v4M6.5 13V4h3v9M9.5 13V7h3v6" }));
}
