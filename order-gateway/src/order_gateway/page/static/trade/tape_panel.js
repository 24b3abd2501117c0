/** The tape: every trade of the market, newest first. */

import { h } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { grouped } from "../core/decimal.js";
import { TapeRows } from "./tape_rows.js";

/** @param {{session: import("./session.js").Session}} props */
export function TapePanel({ session }) {
  const scroller = useRef(/** @type {HTMLDivElement | null} */ (null));
  const table = useRef(/** @type {HTMLTableElement | null} */ (null));
  const rows = useRef(/** @type {TapeRows | null} */ (null));
  const [waiting, setWaiting] = useState(0);
  useEffect(() => {
    if (scroller.current === null || table.current === null) return;
    const painter = new TapeRows(scroller.current, table.current, session, setWaiting);
    rows.current = painter;
    return () => painter.close();
  }, []);
  const account = session.trader.version.value;
  useEffect(() => rows.current?.paint(), [account]);
  const instrument = session.instrument.value;
  return h(
    "section",
    { class: "panel tape", "aria-label": "Trades" },
    h(
      "header",
      null,
      h("h2", null, "Trades"),
      waiting > 0 &&
        h("button", { type: "button", class: "small", onClick: () => rows.current?.resume() },
          `${grouped(String(waiting))} new ↑`),
    ),
    h(
      "div",
      // The rows scroll, so the keyboard must reach them.
      { class: "rows", ref: scroller, tabIndex: 0, role: "region",
        "aria-label": "Trades, newest first" },
      h(
        "table",
        { ref: table },
        h("caption", { class: "sr" }, "Trades, newest first; an arrow marks the side that took"),
        h(
          "thead",
          null,
          h(
            "tr",
            null,
            h("th", { scope: "col" }, `Price (${instrument?.quote ?? ""})`),
            h("th", { scope: "col" }, `Size (${instrument?.base ?? ""})`),
            h("th", { scope: "col" }, "Time"),
          ),
        ),
      ),
    ),
  );
}
