/** The account's resting orders by price, as the book shows them. */

import { groupOf } from "../core/grouping.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {{lots: bigint, orders: string[]}} OwnLevel what rests there, and the ids */

/**
 * Own orders of one side by grouped price.
 * @param {Session} session
 * @param {"buy" | "sell"} side
 * @param {number} step
 */
export function ownLevels(session, side, step) {
  const levels = new Map(/** @type {[number, OwnLevel][]} */ ([]));
  const sign = side === "sell" ? 1 : -1;
  for (const order of session.trader.account.orders.values()) {
    if (order.symbol !== session.symbol.value || order.side !== side) continue;
    if (order.price === null || order.waiting) continue;
    const key = groupOf(Number(order.price.replace(".", "")), sign, step);
    const level = levels.get(key) ?? { lots: 0n, orders: [] };
    level.lots += BigInt(order.remaining_quantity.replace(".", ""));
    level.orders.push(order.order_id);
    levels.set(key, level);
  }
  return levels;
}
