/** The actions on open orders: cancel and move. */

import { asProblem } from "../venue/gateway.js";
import { notify } from "../ui/notices.js";

/** @typedef {import("./session.js").Session} Session */

/**
 * Cancel every order of the account, or those of a symbol.
 * @param {Session} session
 * @param {string | null} symbol
 */
export async function cancelAll(session, symbol) {
  const query = symbol === null ? "" : `?symbol=${encodeURIComponent(symbol)}`;
  await told(session.trader.request("DELETE", `/v1/orders${query}`));
}

/**
 * Cancel these orders.
 * @param {Session} session
 * @param {string[]} ids
 */
export async function cancelOrders(session, ids) {
  await Promise.all(ids.map((id) => told(session.trader.request("DELETE", `/v1/orders/${id}`))));
}

/**
 * Move these orders to another price.
 * @param {Session} session
 * @param {string[]} ids
 * @param {string} price
 */
export async function moveOrders(session, ids, price) {
  await Promise.all(ids.map((id) => told(session.trader.request("PATCH", `/v1/orders/${id}`,
    { price }))));
}

/**
 * Show why an action was refused; the notice of an order that ended was shown already.
 * @param {Promise<unknown>} asked
 */
async function told(asked) {
  try {
    await asked;
  } catch (error) {
    const problem = asProblem(error);
    if (problem.code !== "order_closed") notify("bad", problem.message);
  }
}
