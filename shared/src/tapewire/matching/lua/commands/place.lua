-- place: match a new order, let its remainder rest or end, and run the stops that it fired.
--
-- KEYS   1 market:<symbol>
-- ARGV   4 account   5 client_order_id ('' = none)   6 body digest ('' without the former)
--        7 symbol    8 revision of the instrument that the caller checked the order against
--        9 side: buy|sell   10 order_type: limit|market|ioc|fok|stop|stop_limit|
--       take_profit|take_profit_limit
--       11 time_in_force: gtc|ioc|fok|gtd   12 price in ticks ('' for market, stop)
--       13 quantity in lots ('' with 18)    14 stp: none|expire_taker|expire_maker|expire_both|
--       decrement   15 post_only: 0|1   16 displayed lots ('' = all)   17 stop price in ticks
--       18 quote amount in ticks x lots (market only)   19 expire_us (gtd only)
--       20 1: the client_order_id of an order that ended is free
-- Reply  {0|1, id, {field, value, ...}}: 1 = an earlier order with the same client_order_id and
--        body; the fields are those of order:<id>.
-- Errors UNKNOWN_SYMBOL, DUPLICATE_CLIENT_ORDER_ID, UNKNOWN_ACCOUNT, STALE_INSTRUMENT,
--        UNCROSS_PENDING, STOPS_PENDING (an uncross or fired stops run first: fire_stops, then ask
--        again), MARKET_HALTED, MARKET_CANCEL_ONLY, MARKET_AUCTION, MARKET_POST_ONLY,
--        EXPIRE_IN_PAST, PRICE_OUT_OF_BAND, STOP_WOULD_TRIGGER, POST_ONLY_WOULD_TAKE,
--        OPEN_ORDERS_LIMIT, ACCOUNT_BLOCKED, ORDER_SIZE_LIMIT, ORDER_NOTIONAL_LIMIT,
--        POSITION_LIMIT, BALANCE_LIMIT, INSUFFICIENT_FUNDS: decided in this order, before the first
--        write.
-- Events trade_events, one a trade; book_updates, one if a price level changed; account_events, one
--        for each account that it changed.

local function place(command, account, client_order_id, digest, symbol, revision, side, order_type,
    time_in_force, price, quantity, stp, post_only, display, stop_price, quote_limit, expire_us,
    reuses)
  local market, unknown = command_market(command, symbol)
  if not market then return nil, unknown end
  local earlier, duplicate = earlier_placement('order', account, client_order_id, digest, reuses)
  if earlier or duplicate then return earlier, duplicate end
  local order = new_order(market, account, client_order_id, digest, side, order_type,
    time_in_force, price, quantity, stp, post_only, display, stop_price, quote_limit, expire_us)
  local refusal, trader = entry_refusal(command, market, order, revision)
  if refusal then return nil, refusal end

  local fields, state = enter_and_fire(command, market, order, trader)
  end_command(command, Outcome.join(order.id, state))
  return { 0, order.id, fields }
end
