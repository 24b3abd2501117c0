/**
 * The chart of one market. Only this module turns prices into binary fractions, because pixels need
 * no more precision; all numbers shown as text are exact.
 */

import { mark, unmark } from "../core/frame.js";
import { ask } from "../venue/gateway.js";
import { CandlesInterest } from "../venue/market.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("../core/instrument.js").Instrument} Instrument */

const HISTORY = 500;
const VOLUME_TOP = 0.82;

const SECONDS = /** @type {Record<string, number>} */ ({
  "1m": 60, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600, "4h": 14400, "12h": 43200,
  "1d": 86400, "1w": 604800,
});

export class Chart {
  /**
   * @param {HTMLElement} host
   * @param {Session} session
   */
  constructor(host, session) {
    this.#host = host;
    this.#session = session;
    this.#scheme.addEventListener("change", this.#recolour);
    this.#watcher.observe(document.documentElement, { attributes: true,
      attributeFilter: ["data-theme", "data-palette"] });
    void this.#load();
  }

  #host;
  #session;
  #scheme = matchMedia("(prefers-color-scheme: dark)");
  #watcher = new MutationObserver(() => this.#recolour());
  /** @type {import("lightweight-charts").IChartApi | null} */
  #chart = null;
  /** @type {import("lightweight-charts").ISeriesApi<"Candlestick"> | null} */
  #candles = null;
  /** @type {import("lightweight-charts").ISeriesApi<"Histogram"> | null} */
  #volumes = null;
  /** @type {import("lightweight-charts").ISeriesMarkersPluginApi<any> | null} */
  #markers = null;
  /** @type {CandlesInterest | null} */
  #interest = null;
  /** @type {Instrument | null} */
  #instrument = null;
  #interval = "1m";
  /** Candles that came since the last frame, by their start. @type {Map<string, any>} */
  #fresh = new Map();
  #firstSeconds = 0;
  #colours = readColours();
  #closed = false;

  /**
   * @param {Instrument | null} instrument
   * @param {string} interval
   */
  show(instrument, interval) {
    const isSame = instrument?.symbol === this.#instrument?.symbol && interval === this.#interval;
    this.#instrument = instrument;
    this.#interval = interval;
    if (isSame && this.#interest !== null) return;
    this.#follow();
  }

  /** Draw the account's fills beside their candles. */
  markFills() {
    const span = SECONDS[this.#interval];
    /** One mark for all fills of a side in a candle. */
    const marks = new Map();
    for (const fill of this.#session.trader.account.fills) {
      if (fill.symbol !== this.#instrument?.symbol) continue;
      const time = bucket(Date.parse(fill.timestamp) / 1000, span);
      if (this.#firstSeconds === 0 || time < this.#firstSeconds) continue;
      const name = `${time} ${fill.side}`;
      marks.set(name, { time, side: fill.side, count: (marks.get(name)?.count ?? 0) + 1 });
    }
    const colours = this.#colours;
    const sorted = [...marks.values()].sort((one, other) => one.time - other.time);
    this.#markers?.setMarkers(sorted.map(({ time, side, count }) => ({
      time,
      position: side === "buy" ? "belowBar" : "aboveBar",
      shape: side === "buy" ? "arrowUp" : "arrowDown",
      color: side === "buy" ? colours.up : colours.down,
      text: count > 1 ? String(count) : undefined,
    })));
  }

  close() {
    this.#closed = true;
    this.#scheme.removeEventListener("change", this.#recolour);
    this.#watcher.disconnect();
    unmark(this.#paint);
    if (this.#interest !== null) this.#session.feed.remove(this.#interest);
    this.#chart?.remove();
    // The library throws if a removed chart is used. An answer may still come.
    this.#interest = this.#chart = this.#candles = this.#volumes = this.#markers = null;
  }

  async #load() {
    const library = await import("lightweight-charts");
    if (this.#closed) return;
    const chart = library.createChart(this.#host, { autoSize: true, ...this.#options(library) });
    this.#chart = chart;
    this.#candles = chart.addSeries(library.CandlestickSeries, { borderVisible: false });
    this.#volumes = chart.addSeries(library.HistogramSeries, {
      priceFormat: { type: "volume" }, priceScaleId: "", lastValueVisible: false,
        priceLineVisible: false,
    });
    this.#volumes.priceScale().applyOptions({ scaleMargins: { top: VOLUME_TOP, bottom: 0 } });
    this.#markers = library.createSeriesMarkers(this.#candles, []);
    this.#recolour();
    this.#follow();
  }

  /** @param {typeof import("lightweight-charts")} library */
  #options(library) {
    const time = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
    const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
    const full = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
    const { TickMarkType } = library;
    return {
      layout: { attributionLogo: false, fontSize: 11,
        fontFamily: getComputedStyle(this.#host).fontFamily },
      timeScale: {
        timeVisible: true,
        secondsVisible: false,
        borderVisible: false,
        tickMarkFormatter: (/** @type {number} */ seconds, /** @type {number} */ kind) =>
          (kind === TickMarkType.Time || kind === TickMarkType.TimeWithSeconds ? time : day)
            .format(seconds * 1000),
      },
      rightPriceScale: { borderVisible: false },
      localization: { timeFormatter: (/** @type {any} */ seconds) => full.format(seconds * 1000) },
    };
  }

  #follow() {
    if (this.#interest !== null) this.#session.feed.remove(this.#interest);
    this.#interest = null;
    const instrument = this.#instrument;
    if (instrument === null || this.#candles === null) return;
    this.#candles.applyOptions({
      priceFormat: { type: "price", precision: instrument.priceDecimals,
        minMove: Number(instrument.tickSize) },
    });
    this.#candles.setData([]);
    this.#volumes?.setData([]);
    this.#firstSeconds = 0;
    const interest = new CandlesInterest(this.#interval, instrument.symbol, {
      onCandle: (candle) => {
        this.#fresh.set(candle.start, candle);
        mark(this.#paint);
      },
      onVoid: () => void this.#readHistory(interest),
    });
    this.#interest = interest;
    this.#session.feed.add(interest);
  }

  /** @param {CandlesInterest} interest */
  async #readHistory(interest) {
    const path = `/v1/candles/${interest.symbol}?interval=${interest.interval}&limit=${HISTORY}`;
    /** @type {any[]} */
    let history;
    try {
      history = (await ask("GET", this.#session.feedUrl + path, {})).content.candles;
    } catch {
      return; // the banner shows that the feed is away; the next subscription reads again
    }
    if (interest !== this.#interest || this.#candles === null) return;
    this.#candles.setData(history.map(toCandle));
    this.#volumes?.setData(history.map((candle) => this.#toVolume(candle)));
    this.#firstSeconds = history.length > 0 ? secondsOf(history[0]) : 0;
    this.#chart?.timeScale().applyOptions({ rightOffset: 4, barSpacing: 8 });
    this.#chart?.timeScale().scrollToRealTime();
    this.markFills();
    mark(this.#paint);
  }

  #paint = () => {
    if (this.#candles === null) return;
    const newest = /** @type {number} */ (this.#candles.data().at(-1)?.time ?? 0);
    for (const candle of this.#fresh.values()) {
      if (secondsOf(candle) < newest) continue;
      if (this.#firstSeconds === 0) this.#firstSeconds = secondsOf(candle);
      this.#candles.update(toCandle(candle));
      this.#volumes?.update(this.#toVolume(candle));
    }
    this.#fresh.clear();
  };

  #recolour = () => {
    this.#colours = readColours();
    if (this.#chart === null || this.#candles === null) return;
    const colours = this.#colours;
    this.#chart.applyOptions({
      layout: { background: { color: colours.panel }, textColor: colours.muted },
      grid: { vertLines: { color: colours.line }, horzLines: { color: colours.line } },
    });
    this.#candles.applyOptions({
      upColor: colours.up, downColor: colours.down, wickUpColor: colours.up,
        wickDownColor: colours.down,
    });
    const shown = this.#candles.data();
    const volumes = this.#volumes?.data() ?? [];
    this.#volumes?.setData(volumes.map((bar, index) => ({
      ...bar, color: isUp(/** @type {any} */ (shown[index])) ? colours.upFaint : colours.downFaint,
    })));
    this.markFills();
  };

  /** @param {any} candle */
  #toVolume(candle) {
    const colours = this.#colours;
    return { time: /** @type {any} */ (secondsOf(candle)), value: Number(candle.volume),
      color: isUp(toCandle(candle)) ? colours.upFaint : colours.downFaint };
  }
}

/** The colours of the present theme. */
function readColours() {
  const style = getComputedStyle(document.documentElement);
  const read = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  return { panel: read("--panel"), muted: read("--muted"), line: read("--line-faint"),
    up: read("--up"), down: read("--down"), upFaint: read("--up-bar"),
      downFaint: read("--down-bar") };
}

/** @param {any} candle */
function toCandle(candle) {
  return { time: /** @type {any} */ (secondsOf(candle)), open: Number(candle.open),
    high: Number(candle.high), low: Number(candle.low), close: Number(candle.close) };
}

/** @param {{open: number, close: number} | undefined} candle */
function isUp(candle) {
  return candle === undefined || candle.close >= candle.open;
}

/** @param {{start: string}} candle */
function secondsOf(candle) {
  return Date.parse(candle.start) / 1000;
}

/**
 * The start of the candle of a moment. Weeks begin on Monday; the epoch began on a Thursday.
 * @param {number} seconds
 * @param {number} span
 */
function bucket(seconds, span) {
  const offset = span === SECONDS["1w"] ? 4 * 86400 : 0;
  return Math.floor((seconds - offset) / span) * span + offset;
}
