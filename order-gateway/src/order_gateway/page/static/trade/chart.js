/**
 * The chart of one market. Only this module turns prices into binary fractions, because pixels need
 * no more precision; all numbers shown as text are exact.
 */

import { Answers } from "../core/answers.js";
import { mark, unmark } from "../core/frame.js";
import { readUntilAnswered } from "../venue/gateway.js";
import { CandlesInterest } from "../venue/market.js";
import { loadLibrary } from "./chart_library.js";

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
   * @param {(told: string) => void} tell shows why there is nothing to see; "" if there is
   */
  constructor(host, session, tell) {
    this.#host = host;
    this.#tell = tell;
    this.#session = session;
    this.#scheme.addEventListener("change", this.#recolour);
    this.#watcher.observe(document.documentElement, { attributes: true,
      attributeFilter: ["data-theme", "data-palette"] });
    void this.#load();
  }

  #host;
  #tell;
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
  /** The last candle of the history; null until the history is there. @type {any} */
  #newest = null;
  #isRead = false;
  #histories = new Answers();
  #colours = readColours();
  #closed = false;

  /**
   * @param {Instrument | null} instrument
   * @param {string} interval
   */
  show(instrument, interval) {
    const isSame = instrument?.symbol === this.#instrument?.symbol && interval === this.#interval
      && instrument?.tickSize === this.#instrument?.tickSize;
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
    const library = await loadLibrary(() => !this.#closed,
      () => this.#tell("The chart could not be loaded. The page tries again."));
    if (library === null) return;
    this.#tell("");
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
    this.#isRead = false;
    this.#fresh.clear();
    if (this.#candles === null) return;
    this.#draw([]);
    const instrument = this.#instrument;
    if (instrument === null) return;
    this.#candles.applyOptions({
      priceFormat: { type: "price", precision: instrument.priceDecimals,
        minMove: Number(instrument.tickSize) },
    });
    const interest = new CandlesInterest(this.#interval, instrument.symbol, {
      onCandle: (candle) => {
        this.#fresh.set(candle.start, candle);
        if (this.#isRead) mark(this.#paint);
      },
      onVoid: () => void this.#readHistory(interest),
    });
    this.#interest = interest;
    this.#session.feed.add(interest);
  }

  /**
   * Read the candles until now; those that come meanwhile wait.
   * @param {CandlesInterest} interest
   */
  async #readHistory(interest) {
    this.#histories.forget();
    const isNew = this.#histories.ask();
    this.#fresh.clear();
    const isFirst = !this.#isRead;
    this.#isRead = false;
    const path = `/v1/candles/${interest.symbol}?interval=${interest.interval}&limit=${HISTORY}`;
    const content = await readUntilAnswered(this.#session.feedUrl + path,
      () => interest === this.#interest && isNew());
    if (content === null) return;
    this.#draw(content.candles);
    if (content.candles.length === 0) this.#tell("No trades yet.");
    this.#isRead = true;
    if (isFirst) {
      this.#chart?.timeScale().applyOptions({ rightOffset: 4, barSpacing: 8 });
      this.#chart?.timeScale().scrollToRealTime();
    }
    mark(this.#paint);
  }

  /** @param {any[]} history oldest first */
  #draw(history) {
    this.#candles?.setData(history.map(toCandle));
    this.#volumes?.setData(history.map((candle) => this.#toVolume(candle)));
    this.#newest = history.at(-1) ?? null;
    this.#tell("");
    this.#firstSeconds = history.length > 0 ? secondsOf(history[0]) : 0;
    this.markFills();
  }

  #paint = () => {
    if (this.#candles === null) return;
    for (const candle of this.#fresh.values()) {
      if (this.#newest !== null && isBefore(candle, this.#newest)) continue;
      if (this.#firstSeconds === 0) this.#firstSeconds = secondsOf(candle);
      if (this.#newest === null) this.#tell("");
      this.#newest = candle;
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

/**
 * Whether a candle is an earlier one than another, or an earlier state of it.
 * @param {{start: string, last_seq: number}} one
 * @param {{start: string, last_seq: number}} other
 */
function isBefore(one, other) {
  return one.start < other.start || one.last_seq < other.last_seq;
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
