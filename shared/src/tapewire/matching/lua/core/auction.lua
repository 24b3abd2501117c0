-- Contract: the uncross: all crossing orders of a market trade at one price.
-- Keys   market:<symbol>, field uncross: an uncross that one command could not finish. Until it is
--        over, commands on the orders of the market answer UNCROSS_PENDING, expire passes over
--        these orders, and fire_stops continues the uncross.
--        firing (set): has the symbol while the field exists.
--        auctions (set): the symbols in an auction.
-- Price  core/auction_price.lua finds it.
-- Fills  in price-time order at that price. No order takes, so both sides pay the fee of a maker;
--        the older order is named as the maker of the trade, the newer one as its taker.
-- Budget a command meets fills_max orders.

local Auction = {}

-- The head of one side if it is within the price of the uncross; nil if there is none, false if
-- the command may meet no more orders. Ends orders whose time was over.
local function next_order(command, market, uncross, name)
  local key = queue_key(market.symbol, name)
  while true do
    local head = call('ZRANGE', key, 0, 0, 'WITHSCORES')
    if not head[1] or not within(opposite(name), score_ticks(head[2]), uncross.ticks) then
      return nil
    end
    if command.makers_met >= uncross.orders_max then return false end
    command.makers_met = command.makers_met + 1
    local order = read_order(member_order(head[1]))
    if not Search.is_due(uncross, order) then
      begin_record(order)
      order.shown_before = shown_lots(order)
      return order
    end
    end_order(command, market, order, 'expired', 'expired')
  end
end

-- Moves the units of one side of a trade; returns its fee in units of the asset that the side gets.
local function settle_side(command, market, order, ticks, lots)
  local pays, gets = order_assets(market, order)
  local base, quote = lots * market.steps.base_units, ticks * lots * market.steps.quote_units
  local paid, got = base, quote
  if order.side == 'buy' then paid, got = quote, base end
  local fee = take_fee(command, order, got, order.maker_fee_ppm)
  release_lots(command, market, order, lots)
  change_balance(command, order.account, pays, -paid, 0, 0)
  change_balance(command, order.account, gets, got - fee, 0, 0)
  if fee > 0 then change_balance(command, FEE_ACCOUNT, gets, fee, 0, 0) end
  return fee
end

local function note_fill(command, market, order, seq, ticks, lots)
  local fee = settle_side(command, market, order, ticks, lots)
  local fill = Fill.join(market.last_price, common_text(lots), 'm', market.now,
    integer_text(fee))
  local fields, executions = order.fields, order.executions
  local count = #fields
  fields[count + 1], fields[count + 2] = 'f' .. seq, fill
  executions[#executions + 1] = Execution.join(seq, fill)
  order.executed, order.notional = order.executed + lots, order.notional + ticks * lots
  order.status = 'partially_filled'
end

-- Lets the two heads trade. Two orders of one account lose the lots instead, unless the newer one
-- lets its account trade with itself: the fills of all others stay as they are.
local function meet(command, market, uncross, bid, ask)
  local older, newer = bid, ask
  if bid.priority > ask.priority then older, newer = ask, bid end
  local lots = min(remaining_lots(bid), remaining_lots(ask))
  if bid.account == ask.account and newer.stp ~= 'none' then
    for _, order in ipairs({ bid, ask }) do
      release_lots(command, market, order, lots)
      order.prevented = order.prevented + lots
    end
  else
    local seq = print_trade(command, market, newer, older, uncross.ticks, lots)
    uncross.traded = uncross.traded + lots
    note_fill(command, market, bid, seq, uncross.ticks, lots)
    note_fill(command, market, ask, seq, uncross.ticks, lots)
  end
  bid.is_changed, ask.is_changed = true, true
end

-- Writes an order that the uncross has met. An iceberg that is still open shows a full slice
-- again, at its place.
local function leave_order(command, market, order)
  if not order or not order.is_changed then return end
  local remaining = remaining_lots(order)
  order.updated_us, order.visible = market.now, nil
  if remaining == 0 then
    order.status = 'filled'
    if order.executed < order.quantity then
      order.status, order.reason = 'expired', 'self_trade'
    end
    call('ZREM', queue_key(market.symbol, order.side), queue_member(order))
    change_level(market, order.side, order.price, -order.shown_before)
  else
    if order.display then order.visible = min(order.display, remaining) end
    change_level(market, order.side, order.price, shown_lots(order) - order.shown_before)
  end
  local is_told = #order.executions > 0 or remaining == 0
  write_order(command, order, is_told and '' or 'amended')
  if remaining == 0 then unindex_order(command, order) end
  end_partner(command, market, order, 'expired', 'order_list')
end

-- Trades at the price of the uncross; false if the command may meet no more orders before the
-- end.
local function trade_crossing(command, market, uncross)
  local bid, ask, is_over = nil, nil, true
  while true do
    bid = bid or next_order(command, market, uncross, 'buy')
    if bid and not ask then ask = next_order(command, market, uncross, 'sell') end
    if not bid or not ask then
      is_over = bid ~= false and ask ~= false
      break
    end
    meet(command, market, uncross, bid, ask)
    if remaining_lots(bid) == 0 then
      leave_order(command, market, bid)
      bid = nil
    end
    if remaining_lots(ask) == 0 then
      leave_order(command, market, ask)
      ask = nil
    end
  end
  leave_order(command, market, bid)
  leave_order(command, market, ask)
  return is_over
end

local function head_order(market, name)
  return read_order(member_order(call('ZRANGE', queue_key(market.symbol, name), 0, 0)[1]))
end

-- Ends crossing orders whose time was over; false if the command may meet no more orders.
local function end_due(command, market, uncross)
  while Auction.is_crossed(market) do
    if command.makers_met >= uncross.orders_max then return false end
    command.makers_met = command.makers_met + 1
    local order = head_order(market, 'buy')
    if not Search.is_due(uncross, order) then order = head_order(market, 'sell') end
    end_order(command, market, order, 'expired', 'expired')
  end
  return true
end

-- Keeps an uncross that the next command continues.
local function keep(market, search)
  call('HSET', market.key, 'uncross', Search.pack(search))
  call('SADD', FIRING, market.symbol)
  if market.high_ticks then note_waiting(market, true) end
end

-- Notes that a market enters or leaves an auction. The indicative price ends with the auction.
function Auction.note_state(market, state)
  if state == market.controls.state then return end
  if state == 'auction' then
    call('SADD', '{tw}:auctions', market.symbol)
  elseif market.controls.state == 'auction' then
    call('SREM', '{tw}:auctions', market.symbol)
    call('HDEL', market.key, 'indicative')
  end
end

-- Whether the book has orders that would trade with each other; only an auction leaves such orders.
function Auction.is_crossed(market)
  local bid, ask = best_price(market, 'buy'), best_price(market, 'sell')
  return bid and ask and bid >= ask
end

-- Begins or continues an uncross within the budget of the command. Then runs the stops that its
-- price has reached. Returns false if a part of the uncross is left.
function Auction.run(command, market)
  local search = market.uncross and Search.unpack(market, market.uncross) or Search.new(market)
  search.orders_max = max(2, command.limits.fills_max)
  if not search.ticks and not Search.run(search)
    or search.ticks > 0 and not trade_crossing(command, market, search)
    or not end_due(command, market, search) then
    keep(market, search)
    return false
  end
  if market.uncross then
    call('HDEL', market.key, 'uncross')
    market.uncross = nil
  end
  if search.traded > 0 then
    publish_market(market.symbol, market.controls.state, 'uncrossed', market.timestamp,
      market.steps.epoch, ',"price":"' .. price_text(market, search.ticks) .. '","quantity":"'
      .. quantity_text(market, search.traded) .. '"')
  end
  if market.controls.state == 'trading' and market.high_ticks then
    run_stops(command, market)
  else
    note_waiting(market, market.high_ticks ~= nil)
  end
  return true
end
