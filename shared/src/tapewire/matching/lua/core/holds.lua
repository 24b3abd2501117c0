-- Contract: what orders hold and trades move. Writes nothing itself: core/ledger.lua does.
-- A sell holds its quantity, a buy its price x quantity; a stop buy without a price holds nothing
-- until it is set off. Fees come out of what a fill brings, so nothing is held for them.

-- What an order pays with and what it gets.
local function order_assets(market, order)
  local steps = market.steps
  if order.side == 'buy' then return steps.quote, steps.base end
  return steps.base, steps.quote
end

-- What an order holds by itself.
local function needed_hold(market, order)
  local lots = remaining_lots(order)
  -- A sale by amount pays at least one lot.
  if order.side == 'sell' then return (lots or 1) * market.steps.base_units end
  return order.price and lots * order.price * market.steps.quote_units or 0
end

-- What an order holds beside the first order of its list.
local function held_units(market, order)
  return max(0, needed_hold(market, order) - (order.covered_units or 0))
end

local function incoming_units(market, order)
  -- What a list brings is counted for its first order.
  if order.covered_units and order.covered_units > 0 then return 0 end
  local lots = remaining_lots(order)
  if order.side == 'buy' then return lots * market.steps.base_units end
  return lots * (order.price or order.stop_price) * market.steps.quote_units
end

-- Holds what an order that waits or rests may still pay (sign 1), or releases it (sign -1).
local function hold_order(command, market, order, sign)
  local pays, gets = order_assets(market, order)
  local held = sign * held_units(market, order)
  change_balance(command, order.account, pays, -held, held, 0)
  change_balance(command, order.account, gets, 0, 0, sign * incoming_units(market, order))
end
