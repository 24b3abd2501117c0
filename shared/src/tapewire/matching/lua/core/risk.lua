-- Contract: whether the state, limits and balances of an account allow an order. No writes.

local function own_or(own, of_instrument)
  return own ~= '' and own or of_instrument
end

-- The account of an order; nil for an unknown account. Fees and limits are text.
local function read_trader(command, market, order)
  local pays, gets = order_assets(market, order)
  local entry = account_entry(command, order.account)
  local profile_text, bounds_text = read_account(entry, pays, gets, 'profile',
    'limits:' .. market.symbol)
  if not profile_text then return nil end
  local profile, controls = known_profile(profile_text), market.controls
  local bounds = account_bounds(bounds_text)
  local paid, gotten = entry.units[pays], entry.units[gets]
  return {
    state = profile.state,
    maker_fee_ppm = own_or(profile.maker_fee_ppm, controls.maker_fee_ppm),
    taker_fee_ppm = own_or(profile.taker_fee_ppm, controls.taker_fee_ppm),
    open_orders_max = own_or(bounds.open_orders_max, controls.open_orders_max),
    order_lots_max = own_or(bounds.order_lots_max, controls.order_lots_max),
    order_notional_max = own_or(bounds.order_notional_max, controls.order_notional_max),
    position_lots_max = own_or(bounds.position_lots_max, controls.position_lots_max),
    -- With the changes of this command: a cancel in the same command has released its order.
    available = (paid.available or 0) + paid.more_available,
    -- Units of the other asset if all orders of the account traded.
    expected = (gotten.available or 0) + (gotten.held or 0) + (gotten.incoming or 0)
      + gotten.more_available + gotten.more_held + gotten.more_incoming,
  }
end

-- The limit that an order exceeds; nil for none. `more_lots` are the lots of a new order, or the
-- lots that an amendment adds.
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
    local most = trader.position_lots_max * market.steps.base_units
    local more = more_lots * market.steps.base_units
    if order.side == 'buy' and expected + more > most
      or order.side == 'sell' and available - more < -most then
      return 'POSITION_LIMIT'
    end
  end
  -- No sum may exceed 64 bits, so orders are refused from half of that range on.
  if expected >= BALANCE_UNITS_MAX or expected <= -BALANCE_UNITS_MAX
    or available >= BALANCE_UNITS_MAX or available <= -BALANCE_UNITS_MAX then
    return 'BALANCE_LIMIT'
  end
end

-- The most lots that a new order can add to the position: for a buy by amount, the lots at the best
-- ask. A sale by amount adds no lots.
local function lots_at_most(market, order)
  if order.quantity then return order.quantity end
  local ask = order.side == 'buy' and best_price(market, 'sell')
  return ask and floor(order.quote_limit / ask) or 0
end

-- Units that must be free for a new order; without a price, the units of the smallest trade.
local function needed_units(market, order)
  local units = held_units(market, order)
  if units > 0 then return units end
  if order.quote_limit and order.side == 'buy' then
    return order.quote_limit * market.steps.quote_units
  end
  if order.stop_price then return 0 end
  local ask = best_price(market, 'sell')
  return ask and ask * market.steps.quote_units or 0
end
