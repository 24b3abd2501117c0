-- Contract: the units that a trade moves between accounts, and the fees of both sides.
-- Writes nothing; core/ledger.lua writes the changes.

-- Releases the hold of a resting order for lots that will not trade.
local function release_lots(command, market, order, lots)
  local pays, gets = order_assets(market, order)
  local base = lots * market.steps.base_units
  local quote = lots * order.price * market.steps.quote_units
  local held, incoming = base, quote
  if order.side == 'buy' then held, incoming = quote, base end
  change_balance(command, order.account, pays, held, -held, 0)
  change_balance(command, order.account, gets, 0, 0, -incoming)
end

-- The fee of a fill in units of its proceeds; ppm is text. Fees are rounded up once per order: the
-- excess of earlier fees over the rate is credited, so that the number of fills changes no fee.
-- The product is computed in two steps, because it would not be exact in one.
local function take_fee(command, order, units, ppm)
  if ppm == '0' then return 0 end
  local part = units % 1000000
  local due = part * ppm - order.fee_credit_millionths
  local fee = math.ceil(due / 1000000)
  -- Journals of format 1 are replayed by their rule: the fee of each fill is rounded up.
  if command.limits.fees_per_order == 1 then
    order.fee_credit_millionths = fee * 1000000 - due
  end
  return (units - part) / 1000000 * ppm + fee
end

-- Moves the units of a trade. The maker pays from its hold, the taker from its available balance.
-- Returns the fees of taker and maker, each in units of the asset that this side gets.
local function settle_trade(command, market, taker, maker, ticks, lots)
  local steps = market.steps
  local base, quote = lots * steps.base_units, ticks * lots * steps.quote_units
  local pays, gets, paid, got = steps.quote, steps.base, quote, base
  if taker.side == 'sell' then pays, gets, paid, got = steps.base, steps.quote, base, quote end
  local taker_fee = take_fee(command, taker, got, taker.taker_fee_ppm)
  local maker_fee = take_fee(command, maker, paid, maker.maker_fee_ppm)
  change_balance(command, taker.account, pays, -paid, 0, 0)
  change_balance(command, taker.account, gets, got - taker_fee, 0, 0)
  change_balance(command, maker.account, gets, 0, -got, 0)
  change_balance(command, maker.account, pays, paid - maker_fee, 0, -paid)
  if taker_fee > 0 then change_balance(command, FEE_ACCOUNT, gets, taker_fee, 0, 0) end
  if maker_fee > 0 then change_balance(command, FEE_ACCOUNT, pays, maker_fee, 0, 0) end
  if taker.funds then taker.funds = taker.funds - paid end
  return taker_fee, maker_fee
end

-- Lots that a taker without a price can still pay at a price; nil if its funds are not checked.
-- An account with a balance below zero, from a time without checks, can pay none.
local function payable_lots(market, taker, ticks)
  if not taker.funds then return nil end
  if taker.side == 'sell' then return max(0, floor(taker.funds / market.steps.base_units)) end
  return max(0, floor(taker.funds / (ticks * market.steps.quote_units)))
end
