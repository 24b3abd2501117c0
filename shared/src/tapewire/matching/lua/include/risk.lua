-- Contract: whether an account may take on an order: its state, its limits, its money. No writes.

-- The account as an order meets it, also for the command to know; nil if it is unknown. Fees and
-- limits are text. `order` needs account and side only.
local function read_trader(command, market, order)
  local pays, gets = order_assets(market, order)
  -- The order of include/ledger.lua, which writes the same balances.
  local record = redis.call('HMGET', account_key(order.account), 'seq', 'balance_seq',
    'available:' .. pays, 'held:' .. pays, 'incoming:' .. pays, 'available:' .. gets,
    'held:' .. gets, 'incoming:' .. gets, 'profile', 'limits:' .. market.symbol)
  if not record[9] then return nil end
  local state, maker_fee_ppm, taker_fee_ppm = string.match(record[9], '^([^|]*)|(%d*)|(%d*)|')
  local open_orders_max, order_lots_max, order_notional_max, position_lots_max = '', '', '', ''
  if record[10] then
    open_orders_max, order_lots_max, order_notional_max, position_lots_max =
      string.match(record[10], '^(%d*)|(%d*)|(%d*)|(%d*)$')
  end
  command.trader = {
    account = order.account,
    record = record,
    pays = pays,
    state = state,
    maker_fee_ppm = maker_fee_ppm ~= '' and maker_fee_ppm or market.maker_fee_ppm,
    taker_fee_ppm = taker_fee_ppm ~= '' and taker_fee_ppm or market.taker_fee_ppm,
    open_orders_max = open_orders_max ~= '' and open_orders_max or market.open_orders_max,
    order_lots_max = order_lots_max ~= '' and order_lots_max or market.order_lots_max,
    order_notional_max = order_notional_max ~= '' and order_notional_max
      or market.order_notional_max,
    position_lots_max = position_lots_max ~= '' and position_lots_max or market.position_lots_max,
    available = (record[3] or 0) + 0,
    -- What it would have of the other asset if all its orders traded.
    expected = (record[6] or 0) + (record[7] or 0) + (record[8] or 0),
  }
  return command.trader
end

-- Whether an order is larger than the limits allow; `more_lots` is what it adds to those there are.
local function limit_refusal(market, trader, order, more_lots)
  if trader.order_lots_max ~= '0' and order.quantity
    and order.quantity > trader.order_lots_max + 0 then
    return 'ORDER_SIZE_LIMIT'
  end
  if trader.order_notional_max ~= '0' then
    local price = order.price or order.stop_price or tonumber(market.last_price)
    local notional = order.quote_limit or price and order.quantity * price
    if notional and notional > trader.order_notional_max + 0 then return 'ORDER_NOTIONAL_LIMIT' end
  end
  local available, expected = trader.available, trader.expected
  if trader.position_lots_max ~= '0' and more_lots > 0 then
    local most = trader.position_lots_max * market.base_units
    local more = more_lots * market.base_units
    if order.side == 'buy' and expected + more > most
      or order.side == 'sell' and available - more < -most then
      return 'POSITION_LIMIT'
    end
  end
  -- No sum may pass 64 bits: half of that is where orders end.
  if expected >= BALANCE_UNITS_MAX or expected <= -BALANCE_UNITS_MAX
    or available >= BALANCE_UNITS_MAX or available <= -BALANCE_UNITS_MAX then
    return 'BALANCE_LIMIT'
  end
end

local function best_ask(market)
  local best = redis.call('ZRANGE', queue_key(market.symbol, 'sell'), 0, 0, 'WITHSCORES')
  return best[1] and tonumber(best[2])
end

-- Lots that a new order brings at the most: of a buy by amount, what that buys at the best ask.
-- A sale by amount adds nothing to what the account may have.
local function lots_at_most(market, order)
  if order.quantity then return order.quantity end
  local ask = order.side == 'buy' and best_ask(market)
  return ask and math.floor(order.quote_limit / ask) or 0
end

-- Units that must be free for a new order. Without a price: what the least trade takes.
local function needed_units(market, order)
  local units = held_units(market, order)
  if units > 0 then return units end
  if order.quote_limit and order.side == 'buy' then
    return order.quote_limit * market.quote_units
  end
  if order.stop_price then return 0 end
  local ask = best_ask(market)
  return ask and ask * market.quote_units or 0
end
