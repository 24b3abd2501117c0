-- cancel: take an open order out of the book.
--
-- KEYS   1 order:<id>, or client_order:<account>:<client_order_id>
-- ARGV   4 account   5 order id ('' with 6)   6 client_order_id   7 reason
-- Reply  {id, {field, value, ...}} of order:<id>, canceled.
-- Errors ORDER_NOT_FOUND (also another account's order), ORDER_CLOSED (it ended already),
--        UNKNOWN_SYMBOL, UNCROSS_PENDING, MARKET_HALTED.
-- Events book_updates: the level it left; account_events.

local function cancel(command, account, order_id, client_order_id, reason)
  if order_id == '' then order_id = call('GET', client_order_key(account, client_order_id)) end
  local order = order_id and read_order(order_id)
  if not order or order.account ~= account then return nil, 'ORDER_NOT_FOUND' end
  if not is_open(order) then return nil, 'ORDER_CLOSED' end
  local market = command_market(command, order.symbol)
  if not market then return nil, 'UNKNOWN_SYMBOL' end
  if market.uncross then return nil, 'UNCROSS_PENDING' end
  if market.controls.state == 'halted' then return nil, 'MARKET_HALTED' end

  end_order(command, market, order, 'canceled', reason)
  end_command(command, Outcome.join(order_id, State.write(order)))
  return { order_id, call('HGETALL', order_key(order_id)) }
end
