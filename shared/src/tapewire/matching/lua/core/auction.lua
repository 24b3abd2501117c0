-- Contract: the uncross: all crossing orders of a market trade at one price.
-- Keys   market:<symbol>, field uncross: an uncross that one command could not finish. Nothing else
--        happens to the orders of the market before: place, amend, cancel, cancel_all and control
--        answer UNCROSS_PENDING, expire passes over them, fire_stops goes on.
--        firing (set): has the symbol as long as the field is there.
-- Price  largest volume, then smallest surplus, then nearest the last price; without a last price
--        the middle. Orders count with all their lots, an iceberg with its hidden ones; an order
--        whose time was over when the uncross began does not count.
-- Fills  in price-time order at that price. No order takes, so both sides pay the fee of a maker;
--        the older order is named as the maker of the trade, the newer one as its taker.
-- Budget a command reads AUCTION_READS_MAX orders to find the price, and meets fills_max orders.

local Auction = {}

local ORDERS_PER_READ = 32

local function is_due(search, order)
  return order.expire_us and order.expire_us <= search.time_us
end

-- One side of the book, read level by level from the best: `rank` is the place of the next order
-- to read; `ticks` and `lots` are the level, whole once `next_ticks` is known (0 = no further
-- level). A side that has come to its end has 0 ticks.
local function new_side(name)
  return { name = name, rank = 0, ticks = nil, lots = 0, next_ticks = nil }
end

-- Reads until the level is whole; false if the reads of the command are used up before.
local function read_level(search, side)
  local key = queue_key(search.market.symbol, side.name)
  while not side.next_ticks do
    if search.reads_left <= 0 then return false end
    local count = min(ORDERS_PER_READ, search.reads_left)
    local page = call('ZRANGE', key, side.rank, side.rank + count - 1, 'WITHSCORES')
    for index = 1, #page, 2 do
      local order, ticks = read_order(member_order(page[index])), score_ticks(page[index + 1])
      search.reads_left = search.reads_left - 1
      if not is_due(search, order) then
        side.ticks = side.ticks or ticks
        if ticks ~= side.ticks then
          side.next_ticks = ticks
          break
        end
        side.lots = side.lots + remaining_lots(order)
      end
      side.rank = side.rank + 1
    end
    if not side.next_ticks and #page < 2 * count then
      side.next_ticks, side.ticks = 0, side.ticks or 0
    end
  end
  return true
end

-- Goes on to the next level.
local function leave_level(side)
  if side.next_ticks > 0 then side.ticks, side.next_ticks = side.next_ticks, nil end
  if side.next_ticks == 0 then side.ticks = 0 end
  side.lots = 0
end

-- Lets the best levels of both sides meet as long as they cross: what meets is the largest volume
-- of any price. Returns false if the reads of the command are used up before.
local function find_volume(search)
  local bids, asks = search.bids, search.asks
  while true do
    if not read_level(search, bids) or not read_level(search, asks) then return false end
    if bids.ticks == 0 or asks.ticks == 0 or bids.ticks < asks.ticks then return true end
    local lots = min(bids.lots, asks.lots)
    search.volume, search.high, search.low = search.volume + lots, bids.ticks, asks.ticks
    bids.lots, asks.lots = bids.lots - lots, asks.lots - lots
    if bids.lots == 0 then leave_level(bids) end
    if asks.lots == 0 then leave_level(asks) end
  end
end

-- The prices of the largest volume that leave the smallest surplus, lowest and highest. They are
-- an unbroken range: between the best bid and the best ask that are left the surplus is 0, below
-- and above it only grows.
local function best_range(search)
  local bids, asks, low, high = search.bids, search.asks, search.low, search.high
  local ask = asks.ticks > 0 and asks.ticks or math.huge
  local first, last = max(low, bids.ticks + 1), min(high, ask - 1)
  if first <= last then return first, last end
  local is_bid, is_ask = bids.ticks >= low, ask <= high
  local takes_bid = is_bid and (not is_ask or bids.lots <= asks.lots)
  local takes_ask = is_ask and (not is_bid or asks.lots <= bids.lots)
  first = takes_bid and max(low, bids.next_ticks + 1) or ask
  last = takes_ask and min(high, asks.next_ticks > 0 and asks.next_ticks - 1 or high)
    or bids.ticks
  return first, last
end

-- Sets the price of a search whose volume is known, and what is left over at it; 0 if no orders
-- cross.
local function find_price(search, last_price)
  search.ticks = 0
  if search.volume == 0 then return end
  local first, last = best_range(search)
  local ticks = last_price ~= '' and max(first, min(last, last_price + 0))
    or floor((first + last) / 2)
  search.ticks, search.surplus, search.surplus_side = ticks, 0, ''
  local bids, asks = search.bids, search.asks
  if bids.ticks >= ticks then
    search.surplus, search.surplus_side = bids.lots, 'buy'
  elseif asks.ticks > 0 and asks.ticks <= ticks then
    search.surplus, search.surplus_side = asks.lots, 'sell'
  end
end

local function new_search(command, market)
  return { market = market, time_us = market.now_us, reads_left = AUCTION_READS_MAX,
    volume = 0, ticks = nil, low = nil, high = nil, traded = 0, bids = new_side('buy'),
    asks = new_side('sell') }
end

-- The price at which the market would uncross now, as a search with `ticks` (0: no orders cross),
-- `volume`, `surplus` and `surplus_side`; nil if one command cannot read all orders that cross.
-- Writes nothing.
function Auction.search(command, market)
  local search = new_search(command, market)
  if not find_volume(search) then return nil end
  find_price(search, market.last_price)
  return search
end

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
    if not is_due(uncross, order) then
      begin_record(order)
      order.shown_before = shown_lots(order)
      return order
    end
    end_order(command, market, order, 'expired', 'expired')
  end
end

-- Moves what one side of a trade pays and gets; returns its fee in units of what it gets.
local function settle_side(command, market, order, ticks, lots)
  local pays, gets = order_assets(market, order)
  local base, quote = lots * market.steps.base_units, ticks * lots * market.steps.quote_units
  local paid, got = base, quote
  if order.side == 'buy' then paid, got = quote, base end
  local fee = fee_units(got, order.maker_fee_ppm)
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

-- Ends orders whose time was over and that still cross; false as above.
local function end_due(command, market, uncross)
  while Auction.is_crossed(market) do
    if command.makers_met >= uncross.orders_max then return false end
    command.makers_met = command.makers_met + 1
    local order = head_order(market, 'buy')
    if not is_due(uncross, order) then order = head_order(market, 'sell') end
    end_order(command, market, order, 'expired', 'expired')
  end
  return true
end

-- Keeps an uncross that the next command goes on with.
local function keep(market, search)
  local bids, asks = search.bids, search.asks
  call('HSET', market.key, 'uncross', Uncross.write({
    time_us = search.time_us, ticks = search.ticks, traded = search.traded,
    volume = search.volume, low = search.low, high = search.high,
    bid_rank = bids.rank, bid_ticks = bids.ticks, bid_lots = bids.lots,
    bid_next = bids.next_ticks, ask_rank = asks.rank, ask_ticks = asks.ticks,
    ask_lots = asks.lots, ask_next = asks.next_ticks,
  }))
  call('SADD', FIRING, market.symbol)
  if market.high_ticks then note_waiting(market, true) end
end

local function resumed(command, market)
  local kept = market.uncross
  local search = new_search(command, market)
  search.time_us, search.ticks, search.traded = kept.time_us, kept.ticks, kept.traded
  search.volume, search.low, search.high = kept.volume, kept.low, kept.high
  local bids, asks = search.bids, search.asks
  bids.rank, bids.ticks, bids.lots = kept.bid_rank, kept.bid_ticks, kept.bid_lots
  asks.rank, asks.ticks, asks.lots = kept.ask_rank, kept.ask_ticks, kept.ask_lots
  bids.next_ticks, asks.next_ticks = kept.bid_next, kept.ask_next
  return search
end

-- Whether the book has orders that would trade with each other: only an auction leaves such.
function Auction.is_crossed(market)
  local bid, ask = best_price(market, 'buy'), best_price(market, 'sell')
  return bid and ask and bid >= ask
end

-- Uncrosses, or goes on with an uncross, as far as the budget of the command allows; then the
-- stops that its price has reached run. Returns false if some of the uncross is left.
function Auction.run(command, market)
  local search = market.uncross and resumed(command, market) or new_search(command, market)
  search.orders_max = max(2, command.limits.fills_max)
  if not search.ticks then
    if not find_volume(search) then
      keep(market, search)
      return false
    end
    find_price(search, market.last_price)
  end
  if search.ticks > 0 and not trade_crossing(command, market, search)
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
