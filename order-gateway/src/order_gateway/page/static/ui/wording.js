/** Sentences for notices and for screen readers. Pure. */

import { decimalsOf, grouped, toText, toUnits, trimmed } from "../core/decimal.js";

const REASONS = /** @type {Record<string, string>} */ ({
  dead_man: "the dead-man timer fired",
  kill: "an administrator canceled it",
  expired: "its time was over",
  immediate_or_cancel: "nothing more was there at its price",
  fill_or_kill: "it could not be filled as a whole",
  insufficient_liquidity: "the book had no more",
  insufficient_funds: "the money did not reach further",
  self_trade: "it would have traded with an order of yours",
  order_list: "the other order of its list traded, fired or ended",
  fills_limit: "it met too many orders at once",
});

export const ORDER_TYPES = /** @type {Record<string, string>} */ ({
  limit: "Limit",
  market: "Market",
  stop: "Stop",
  stop_limit: "Stop limit",
  take_profit: "Take profit",
  take_profit_limit: "Take profit limit",
});

export const STATES = /** @type {Record<string, string>} */ ({
  trading: "Trading",
  auction: "Auction",
  post_only: "Post-only",
  cancel_only: "Cancel-only",
  halted: "Halted",
});

const STATE_SENTENCES = /** @type {Record<string, string>} */ ({
  trading: "is open for trading",
  auction: "collects orders: all that cross trade at one price when the auction ends",
  post_only: "takes post-only orders",
  cancel_only: "takes cancels only",
  halted: "is halted: it takes nothing",
});

/**
 * @param {string} symbol
 * @param {string} state
 */
export function describeState(symbol, state) {
  return `${symbol} ${STATE_SENTENCES[state] ?? `is ${state}`}.`;
}

/**
 * The notice of the end of an auction.
 * @param {{symbol: string, price: string, quantity: string}} change
 * @param {{base: string, quote: string} | null} market
 */
export function describeUncross({ symbol, price, quantity }, market) {
  const what = `${grouped(trimmed(quantity))} ${market?.base ?? ""}`.trim();
  return `The auction of ${symbol} traded ${what} at ${grouped(price)}.`;
}

/**
 * The notice of an execution report; null if there is nothing to say.
 * @param {Record<string, any>} report
 * @param {{base: string, quote: string} | null} market
 * @returns {["good" | "bad" | "info", string] | null}
 */
export function describeReport(report, market) {
  const base = market?.base ?? "";
  const what = `${sideName(report.side)} ${trimmed(report.quantity)} ${base}`.trim();
  const price = report.price === null ? "" : ` at ${grouped(report.price)}`;
  switch (report.report) {
    case "new":
      // The notice of an order that trades at once is that of its fills.
      return ["info", `Order ${report.order_id} is in: ${what}${price}.`];
    case "amended":
      return ["info", `Order ${report.order_id} is now ${what}${price}.`];
    case "triggered":
      return ["info", `Order ${report.order_id} was triggered: ${what}${price}.`];
    case "canceled": {
      const why = REASONS[report.reason];
      return ["info", `Order ${report.order_id} was canceled${why ? `: ${why}` : ""}.`];
    }
    case "expired": {
      const why = REASONS[report.reason];
      return ["info", `Order ${report.order_id} expired${why ? `: ${why}` : ""}.`];
    }
    default:
      return null;
  }
}

/**
 * The notice of fills of one order, oldest first.
 * @param {Record<string, any>[]} fills
 * @param {{base: string, quote: string} | null} market
 */
export function describeFills(fills, market) {
  const last = fills[fills.length - 1];
  const decimals = decimalsOf(last.last_quantity);
  const sum = fills.reduce((units, fill) => units + toUnits(fill.last_quantity, decimals), 0n);
  const what = `${trimmed(toText(sum, decimals))} ${market?.base ?? ""}`.trim();
  // An order trades at the best price first.
  const prices = [...new Set([fills[0].last_price, last.last_price])].map(grouped).join(" to ");
  const rest = last.status === "filled" ? "" : `, ${trimmed(last.remaining_quantity)} left`;
  return `${last.side === "buy" ? "Bought" : "Sold"} ${what} at ${prices}${rest}.`;
}

/** @param {string} side */
export function sideName(side) {
  return side === "buy" ? "Buy" : "Sell";
}

/**
 * Time of day of this computer's zone, with seconds.
 * @param {string} timestamp ISO 8601
 */
export function timeOfDay(timestamp) {
  return TIME.format(Date.parse(timestamp));
}

/**
 * @param {string} timestamp ISO 8601
 */
export function dateAndTime(timestamp) {
  return DATE_TIME.format(Date.parse(timestamp));
}

const TIME = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit", minute: "2-digit", second: "2-digit",
});
const DATE_TIME = new Intl.DateTimeFormat("en-GB", {
  day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit",
});
