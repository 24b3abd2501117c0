-- Contract: what a trade moves between accounts, and what it takes of each as a fee.
-- Writes nothing itself: include/ledger.lua does.

-- Releases what a resting order held for lots that will not trade.
local function release_lots(command, market, order, lots)
  local pays, gets = order_assets(market, order)
  local base, quote = lots * market.base_units, lots * order.price * market.quote_units
  local held, incoming = base, quote
  if order.side == 'buy' then held, incoming = quote, base end
  change_balance(command, order.account, pays, held, -held, 0)
  change_balance(command, order.account, gets, 0, 0, -incoming)
end

-- Units of a fee, rounded up; ppm is text. In two steps, since the product would not be exact.
local function fee_units(units, ppm)
  if ppm == '0' then return 0 end
  local part = units % 1000000
  return (units - part) / 1000000 * ppm + math.ceil(part * ppm / 1000000)
end

-- Moves what a trade buys and pays: the maker pays of what it holds, the taker of what it has free.
-- Returns the fees of taker and maker, in units of what each gets.
local function settle_trade(command, market, taker, maker, ticks, lots)
  local base, quote = lots * market.base_units, ticks * lots * market.quote_units
  local pays, gets, paid, got = market.quote, market.base, quote, base
  if taker.side == 'sell' then pays, gets, paid, got = market.base, market.quote, base, quote end
  local taker_fee, maker_fee = fee_units(got, taker.taker_fee_ppm), fee_units(paid,
    maker.maker_fee_ppm)
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
-- Who owes something, from a time without checks, can pay none.
local function payable_lots(market, taker, ticks)
  if not taker.funds then return nil end
  if taker.side == 'sell' then return math.max(0, math.floor(taker.funds / market.base_units)) end
  return math.max(0, math.floor(taker.funds / (ticks * market.quote_units)))
end
