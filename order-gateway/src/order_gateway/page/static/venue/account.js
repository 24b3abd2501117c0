/** The subscription to the account: its orders, fills and balances. */

import { Tracker } from "../core/tracker.js";

/** @typedef {import("./feed.js").Message} Message */
/** @typedef {Record<string, any>} Order */
/** @typedef {Record<string, any>} Fill */
/** @typedef {{asset: string, available: string, held: string, total: string}} Balance */

const FILLS_KEPT = 500;
const OPEN_STATUSES = new Set(["new", "partially_filled"]);

export class AccountInterest {
  /**
   * @param {{onChange: () => void, onReport: (report: Order) => void, onTerms: () => void,
   *          onVoid: () => void}} events
   *   `onTerms`: state, fees or limits of the account may be others;
   *   `onVoid`: orders and fills must be read again over REST
   */
  constructor(events) {
    this.topics = { channels: ["orders", "balances"] };
    this.events = events;
    /** @type {Map<string, Order>} */
    this.orders = new Map();
    /** Newest first. @type {Fill[]} */
    this.fills = [];
    /** @type {Map<string, Balance>} */
    this.balances = new Map();
    /** Whether balances and open orders are known. */
    this.known = false;
    this.#tracker = new Tracker("orders", () => events.onVoid(), () => this.#forget());
  }

  #tracker;
  /** Known fills, by trade and order, because REST and the feed send the same fills. */
  #seen = new Set();
  #balancesSeq = 0;
  /** Reports since the last request for orders over REST. @type {Map<string, Order>} */
  #sinceRead = new Map();

  /** Trades of own orders, each once; for tests and the footer. */
  get reports() {
    return this.#tracker.last;
  }

  since() {
    return this.#tracker.since;
  }

  /** @param {Message} answer */
  subscribed(answer) {
    const isFirst = !this.#tracker.started;
    this.#tracker.subscribed(/** @type {any} */ (answer));
    if (isFirst) this.events.onVoid();
    // Changes of the account are not resumed.
    else this.events.onTerms();
  }

  rewound() {
    this.#tracker.rewound();
  }

  /** Begin to note reports, before orders and fills are read over REST. */
  beginFill() {
    this.#sinceRead.clear();
    this.known = false;
  }

  /**
   * Take over open orders and fills of REST, both newest first. Reports since `beginFill` may be
   * newer.
   * @param {Order[]} open
   * @param {Fill[]} fills
   */
  fill(open, fills) {
    this.orders = new Map(open.map((order) => [order.order_id, fromRest(order)]));
    for (const [id, report] of this.#sinceRead) {
      const read = this.orders.get(id);
      if (!OPEN_STATUSES.has(report.status)) this.orders.delete(id);
      else if (read === undefined || report.timestamp >= read.changed_at) {
        this.orders.set(id, fromReport(read, report));
      }
    }
    this.#sinceRead.clear();
    for (const fill of [...fills].reverse()) this.#addFill(fill);
    this.known = true;
    this.events.onChange();
  }

  /**
   * @param {Message} message
   * @returns {"reconnect" | void}
   */
  offer(message) {
    switch (message.type) {
      case "order": {
        const verdict = this.#tracker.item(message.seq, message.epoch);
        if (verdict === "reconnect") return verdict;
        if (verdict === "new") this.#report(message.data);
        break;
      }
      case "balances_snapshot":
        this.balances.clear();
        this.#balancesSeq = 0;
        this.#take(message);
        break;
      case "balances":
        this.#take(message);
        break;
      case "account":
        this.events.onTerms();
        break;
      case "gap":
        if (message.channel === "orders") {
          const verdict = this.#tracker.gap(/** @type {any} */ (message));
          if (verdict === "reconnect") return verdict;
        }
        break;
      case "heartbeat":
        if (this.#tracker.heartbeat(/** @type {any} */ (message)) === "reconnect") {
          return "reconnect";
        }
        break;
      case "epoch":
        this.#tracker.epochChanged(/** @type {any} */ (message));
    }
  }

  /** @param {Order} report */
  #report(report) {
    if (!this.known) this.#sinceRead.set(report.order_id, report);
    const known = this.orders.get(report.order_id);
    if (OPEN_STATUSES.has(report.status)) {
      this.orders.set(report.order_id, fromReport(known, report));
    } else {
      this.orders.delete(report.order_id);
    }
    if (report.report === "trade") {
      this.#addFill({
        trade_id: report.trade_id,
        order_id: report.order_id,
        symbol: report.symbol,
        side: report.side,
        price: report.last_price,
        quantity: report.last_quantity,
        liquidity: report.liquidity,
        fee: report.fee,
        fee_asset: report.fee_asset,
        timestamp: report.timestamp,
      });
    }
    this.events.onReport(report);
    this.events.onChange();
  }

  /** @param {Fill} fill */
  #addFill(fill) {
    const id = `${fill.trade_id} ${fill.order_id}`;
    if (this.#seen.has(id)) return;
    this.#seen.add(id);
    let place = 0;
    while (place < this.fills.length && this.fills[place].timestamp > fill.timestamp) place += 1;
    this.fills.splice(place, 0, fill);
    if (this.fills.length > FILLS_KEPT) {
      const dropped = /** @type {Fill} */ (this.fills.pop());
      this.#seen.delete(`${dropped.trade_id} ${dropped.order_id}`);
    }
  }

  /** @param {Message} message */
  #take(message) {
    if (message.seq <= this.#balancesSeq) return;
    this.#balancesSeq = message.seq;
    for (const balance of message.data) this.balances.set(balance.asset, balance);
    this.events.onChange();
  }

  #forget() {
    this.orders.clear();
    this.fills.length = 0;
    this.#seen.clear();
    this.balances.clear();
    this.known = false;
    this.events.onVoid();
  }
}

/** @param {Order} order */
function fromRest(order) {
  const waiting = order.stop_price !== null && order.triggered_timestamp === null;
  return { ...order, waiting, placed_at: order.timestamp, changed_at: order.updated_timestamp };
}

/**
 * A report lacks some members of an order, such as `post_only`; the members of `known` stay.
 * @param {Order | undefined} known
 * @param {Order} report
 */
function fromReport(known, report) {
  const set_off = report.report === "triggered" || report.report === "trade";
  return {
    ...known,
    ...report,
    /** Whether the order is a stop that waits, which is not in the book. */
    waiting: report.stop_price !== null && !set_off && known?.waiting !== false,
    placed_at: known?.placed_at ?? report.timestamp,
    changed_at: report.timestamp,
  };
}
