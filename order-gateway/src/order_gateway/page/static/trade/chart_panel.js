/** Candles with volume and own fills. The chart's library is loaded after the first paint. */

import { effect } from "@preact/signals";
import { h } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { Chart } from "./chart.js";
import { INTERVALS, interval } from "../ui/preferences.js";
import { Segments } from "../ui/ui.js";

const OPTIONS = INTERVALS.map((value) => ({ value, text: value }));

/** @param {{session: import("./session.js").Session}} props */
export function ChartPanel({ session }) {
  const host = useRef(/** @type {HTMLDivElement | null} */ (null));
  const [told, setTold] = useState("");
  useEffect(() => {
    if (host.current === null) return;
    const chart = new Chart(host.current, session, setTold);
    const stop = effect(() => chart.show(session.instrument.value, interval.value));
    const stopFills = effect(() => {
      void session.trader.version.value;
      chart.markFills();
    });
    return () => {
      stop();
      stopFills();
      chart.close();
    };
  }, []);
  return h(
    "section",
    { class: "panel chart", "aria-label": "Chart" },
    h(
      "header",
      null,
      h("h2", { class: "sr" }, "Chart"),
      h(Segments, { label: "Interval", class: "tabs", options: OPTIONS, value: interval.value,
        onChoose: (value) => (interval.value = value) }),
    ),
    told && h("p", { class: "empty", role: "status" }, told),
    h("div", { class: "canvas", ref: host, role: "img",
      "aria-label": `Candles of ${session.symbol.value}, ${interval.value} each` }),
  );
}
