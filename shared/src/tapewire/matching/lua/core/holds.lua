-- Contract: the units that open orders hold. Writes nothing; core/ledger.lua writes the changes.
-- A sell holds its quantity, a buy its price x quantity; a stop buy without a price holds nothing
-- until it fires. A fee is taken from the proceeds of a fill, so nothing is held for fees.

-- The asset that an order pays with, and the asset that it gets.
local function order_assets(market, order)
  local steps = market.steps
  if order.side == 'buy' then return steps.quote, steps.base end
  return steps.base, steps.quote
end

-- Units that an order without a list holds.
local function needed_hold(market, order)
  local lots = remaining_lots(order)
  -- A sale by amount pays at least one lot.
  if order.side == 'sell' then return (lots or 1) * market.steps.base_units end
  return order.price and lots * order.price * market.steps.quote_units or 0
end

-- Units that an order holds beyond the hold of the first order of its list.
local function held_units(market, order)
  return max(0, needed_hold(market, order) - (order.covered_units or 0))
end

local function incoming_units(market, order)
  -- The incoming units of a list are counted for its first order.
  if order.covered_units and order.covered_units > 0 then return 0 end
  local lots = remaining_lots(order)
  if order.side == 'buy' then return lots * market.steps.base_units end
  return lots * (order.price or order.stop_price) * market.steps.quote_units
end

-- Holds the units that an open order may still pay (sign 1), or releases them (sign -1).
local function hold_order(command, market, order, sign)
  local pays, gets = order_assets(market, order)
  local held = sign * held_units(market, order)
  change_balance(command, order.account, pays, -held, held, 0)
  change_balance(command, order.account, gets, 0, 0, sign * incoming_units(market, order))
end
