-- cancel: take an open order out of the book.
--
-- KEYS   1 order:<id>, or client_order:<account>:<client_order_id>
-- ARGV   4 account   5 order id ('' with 6)   6 client_order_id   7 reason
--        8 name of the cancel ('' = none)
-- Reply  {id, {field, value, ...}} of order:<id>, canceled.
-- Errors ORDER_NOT_FOUND (also another account's order), ORDER_CLOSED (it ended already),
--        UNKNOWN_SYMBOL, UNCROSS_PENDING, MARKET_HALTED.
-- Events book_updates: the level that the order left; account_events.

local function cancel(command, account, order_id, client_order_id, reason, cancel_id)
  local order, refusal = cancelable_order(command, account, order_id, client_order_id)
  if not order then return nil, refusal end
  end_order(command, command_market(command, order.symbol), order, 'canceled', reason,
    cancel_id)
  end_command(command, Outcome.join(order.id, order.state))
  return { order.id, record_fields(order) }
end
