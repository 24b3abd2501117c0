"""The chart's library, which throws at once when a removed chart is used.

The library itself throws only if the chart has no frame pending when it is removed.
"""

from playwright.sync_api import Route

LIBRARY = "**/lightweight-charts.mjs"
_STRICT = """
import * as real from "/page/lib/lightweight-charts.mjs?real";
export * from "/page/lib/lightweight-charts.mjs?real";
const drawn = (window.drawn = []);
const originals = new WeakMap();
const plain = (value) => originals.get(value) ?? value;
function guard(target, life) {
  if (target === null || typeof target !== "object" || Array.isArray(target)) return target;
  const watched = new Proxy(target, {
    get(_, name) {
      if (life.over) throw new Error(`${String(name)} of a removed chart is used`);
      const value = target[name];
      if (typeof value !== "function") return value;
      return (...given) => {
        if (name === "remove") life.over = true;
        if (name === "setData" || name === "update") drawn.push(JSON.stringify(given));
        return guard(value.apply(target, given.map(plain)), life);
      };
    },
  });
  originals.set(watched, target);
  life.parts.add(watched);
  return watched;
}
const lives = [];
export function createChart(...given) {
  const life = { over: false, parts: new Set() };
  lives.push(life);
  return guard(real.createChart(...given), life);
}
export function createSeriesMarkers(series, ...given) {
  const life = lives.find(({ parts }) => parts.has(series));
  return guard(real.createSeriesMarkers(plain(series), ...given), life);
}
"""


# What was drawn, in the order of the calls: data of candles and volumes as JSON.
DRAWN = "window.drawn"


def watch_use(route: Route) -> None:
    """Answer a request for `LIBRARY` with the strict one."""
    route.fulfill(content_type="text/javascript", body=_STRICT)
