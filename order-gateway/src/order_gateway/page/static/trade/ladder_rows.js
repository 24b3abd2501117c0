/**
 * The ladder: a fixed price axis, along which the market moves. The ladder is painted once a frame
 * without components, and follows the market until the ladder is scrolled.
 */

import { groupOf, groupWindow } from "../core/grouping.js";
import { grouped, toText, trimmed } from "../core/decimal.js";
import { ownLevels } from "./own_levels.js";
import { Bar, Flag, Roving, Text, make } from "./rows.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("../core/book.js").Book} Book */
/** @typedef {import("./own_levels.js").OwnLevel} OwnLevel */

/**
 * A click: a price for an order, or the account's own orders at the price.
 * @typedef {{onPlace: (side: "buy" | "sell", price: string) => void,
 *            onCancel: (orders: string[]) => void,
 *            onMove: (orders: string[], price: string) => void}} Events
 */

/** The ladder is centred again when the market leaves this share of the rows. */
const MIDDLE_SHARE = 0.34;

class Row {
  /** @param {HTMLTableSectionElement} body */
  constructor(body) {
    this.element = make("tr", "", body);
    this.bid = new Cell(this.element, "bids");
    this.button = make("button", "", make("td", "price", this.element));
    this.button.type = "button";
    this.price = new Text(this.button);
    this.ask = new Cell(this.element, "asks");
    this.traded = new Text(make("td", "traded", this.element));
    this.isBid = new Flag(this.element, "bid");
    this.isAsk = new Flag(this.element, "ask");
    this.isOwn = new Flag(this.element, "mine");
    this.isBest = new Flag(this.element, "best");
    this.isLast = new Flag(this.element, "last");
    this.key = 0;
  }
}

/** The quantity of one side at a price, and the account's own part of it. */
class Cell {
  /**
   * @param {HTMLElement} row
   * @param {string} className
   */
  constructor(row, className) {
    const cell = make("td", className, row);
    this.bar = new Bar(cell);
    this.own = make("span", "own", cell);
    this.own.draggable = true;
    this.ownText = new Text(this.own);
    this.size = new Text(cell);
    /** @type {string[]} */
    this.orders = [];
  }

  /**
   * @param {bigint | undefined} lots
   * @param {bigint} whole
   * @param {OwnLevel | undefined} own
   * @param {number} decimals
   */
  write(lots, whole, own, decimals) {
    this.size.set(lots === undefined ? "" : toText(lots, decimals));
    this.bar.set(lots ?? 0n, whole);
    this.orders = own?.orders ?? [];
    this.ownText.set(own === undefined ? "" : `◆ ${trimmed(toText(own.lots, decimals))}`);
  }
}

export class LadderRows {
  /**
   * @param {HTMLTableElement} table
   * @param {Session} session
   * @param {Events} events
   */
  constructor(table, session, events) {
    this.#table = table;
    this.#session = session;
    this.#events = events;
    this.#body = make("tbody", "", table);
    this.#focus = new Roving(table);
    table.addEventListener("click", this.#clicked);
    table.addEventListener("wheel", this.#scrolled, { passive: true });
    table.addEventListener("dragstart", this.#dragged);
    table.addEventListener("dragover", (event) => event.preventDefault());
    table.addEventListener("drop", this.#dropped);
    this.#releases = [
      session.market.use("book", this.paint),
      session.market.use("trades", this.paint),
    ];
  }

  #table;
  #session;
  #events;
  #body;
  #focus;
  #releases;
  /** @type {Row[]} */
  #rows = [];
  /** Price of the middle row, in units; null until the market has a price. */
  #center = /** @type {number | null} */ (null);
  #follows = true;
  /** @type {string[]} */
  #draggedOrders = [];
  #draggedSymbol = "";
  step = 1;

  close() {
    for (const release of this.#releases) release();
  }

  /** Centre the ladder on the market, and follow the market again. */
  recenter = () => {
    this.#center = null;
    this.#follows = true;
    this.paint();
  };

  /** @param {number} count rows that fit */
  setRowCount(count) {
    const wanted = Math.max(3, count - ((count + 1) % 2));
    while (this.#rows.length < wanted) this.#rows.push(new Row(this.#body));
    for (const row of this.#rows.splice(wanted)) row.element.remove();
    this.#focus.setButtons(this.#rows.map((row) => row.button));
    this.paint();
  }

  paint = () => {
    const { instrument, market } = this.#session;
    const book = market.book?.book;
    const decimals = instrument.value;
    if (this.#rows.length === 0) return;
    const half = (this.#rows.length - 1) / 2;
    const center = decimals === null || book === undefined ? null : this.#middle(book, half);
    this.#table.classList.toggle("loading", book !== undefined && !book.known);
    if (decimals === null || book === undefined || center === null) {
      this.#clear();
      return;
    }
    const high = center + half * this.step;
    const low = center - half * this.step;
    const bids = groupWindow(book.bids, this.step, low, high);
    const asks = groupWindow(book.asks, this.step, low, high);
    let whole = 0n;
    for (const lots of [...bids.values(), ...asks.values()]) if (lots > whole) whole = lots;
    const bestBid = book.bids.best ? groupOf(-book.bids.best.key, -1, this.step) : -Infinity;
    const bestAsk = book.asks.best ? groupOf(book.asks.best.key, 1, this.step) : Infinity;
    const buys = ownLevels(this.#session, "buy", this.step);
    const sells = ownLevels(this.#session, "sell", this.step);
    const traded = this.#traded(low, high);
    const last = market.trades?.recent[0];
    const lastKey = last ? this.#near(Number(last.price.replace(".", ""))) : null;
    this.#rows.forEach((row, index) => {
      const key = high - index * this.step;
      row.key = key;
      row.button.disabled = key <= 0;
      row.price.set(key > 0 ? grouped(toText(BigInt(key), decimals.priceDecimals)) : "");
      row.bid.write(bids.get(key), whole, buys.get(key), decimals.quantityDecimals);
      row.ask.write(asks.get(key), whole, sells.get(key), decimals.quantityDecimals);
      const volume = traded.get(key);
      row.traded.set(volume === undefined ? "" : trimmed(toText(volume,
        decimals.quantityDecimals)));
      row.isBid.set(key <= bestBid);
      row.isAsk.set(key >= bestAsk);
      row.isBest.set(key === bestBid || key === bestAsk);
      row.isLast.set(key === lastKey);
      row.isOwn.set(buys.has(key) || sells.has(key));
    });
    this.#focus.settle();
  };

  /** A market without a price has no axis; the prices of another market may not stay. */
  #clear() {
    for (const row of this.#rows) {
      row.key = 0;
      row.button.disabled = true;
      row.price.set("");
      row.traded.set("");
      row.bid.write(undefined, 0n, undefined, 0);
      row.ask.write(undefined, 0n, undefined, 0);
      for (const flag of [row.isBid, row.isAsk, row.isOwn, row.isBest, row.isLast]) flag.set(false);
    }
    this.#focus.settle();
  }

  /**
   * The price of the middle row: unchanged, unless the followed market has left the middle.
   * @param {Book} book
   * @param {number} half
   */
  #middle(book, half) {
    const bid = book.bids.best?.key;
    const ask = book.asks.best?.key;
    const last = this.#session.market.trades?.recent[0]?.price.replace(".", "");
    // Keys of bids are negated.
    const price = bid !== undefined && ask !== undefined
      ? (ask - bid) / 2
      : ask ?? (bid === undefined ? Number(last ?? 0) : -bid);
    const market = price > 0 ? this.#near(price) : null;
    if (market !== null && this.#follows) {
      const away = Math.abs(market - (this.#center ?? Infinity)) / this.step;
      if (away > half * MIDDLE_SHARE) this.#center = market;
    }
    return this.#center;
  }

  /** @param {number} price */
  #near(price) {
    return Math.round(price / this.step) * this.step;
  }

  /**
   * @param {number} low
   * @param {number} high
   */
  #traded(low, high) {
    const sums = new Map(/** @type {[number, bigint][]} */ ([]));
    for (const [key, lots] of this.#session.market.volumes) {
      const group = this.#near(key);
      if (group >= low && group <= high) sums.set(group, (sums.get(group) ?? 0n) + lots);
    }
    return sums;
  }

  /**
   * The row of an event, the side of its cell, and its price.
   * @param {Event} event
   */
  #place(event) {
    const cell = /** @type {Element} */ (event.target).closest("td");
    const row = this.#rows.find((candidate) => candidate.element === cell?.parentElement);
    const instrument = this.#session.instrument.value;
    if (cell === null || row === undefined || row.key <= 0 || instrument === null) return null;
    const isBid = cell.classList.contains("bids");
    const isAsk = cell.classList.contains("asks");
    // The cell of a price names no side; the side follows from the place of the price.
    const side = isBid || (!isAsk && row.element.classList.contains("bid")) ? "buy" : "sell";
    return { row, cell: side === "buy" ? row.bid : row.ask,
      side: /** @type {"buy" | "sell"} */ (side),
      price: toText(BigInt(row.key), instrument.priceDecimals) };
  }

  #clicked = (/** @type {MouseEvent} */ event) => {
    const place = this.#place(event);
    if (place === null) return;
    this.#focus.moveTo(this.#rows.indexOf(place.row), false);
    const isOwn = /** @type {Element} */ (event.target).classList.contains("own");
    if (isOwn && place.cell.orders.length > 0) this.#events.onCancel(place.cell.orders);
    else this.#events.onPlace(place.side, place.price);
  };

  #dragged = (/** @type {DragEvent} */ event) => {
    this.#draggedOrders = this.#place(event)?.cell.orders ?? [];
    this.#draggedSymbol = this.#session.symbol.value;
    event.dataTransfer?.setData("text/plain", this.#draggedOrders.join(" "));
  };

  #dropped = (/** @type {DragEvent} */ event) => {
    event.preventDefault();
    const place = this.#place(event);
    // The market may have been left while its order was dragged.
    const isHere = this.#draggedSymbol === this.#session.symbol.value;
    if (place !== null && isHere && this.#draggedOrders.length > 0) {
      this.#events.onMove(this.#draggedOrders, place.price);
    }
    this.#draggedOrders = [];
  };

  #scrolled = (/** @type {WheelEvent} */ event) => {
    if (this.#center === null) return;
    this.#follows = false;
    this.#center -= Math.sign(event.deltaY) * this.step;
    this.paint();
  };
}
