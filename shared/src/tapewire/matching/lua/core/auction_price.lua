-- Contract: the price of an uncross of the present book. Writes nothing.
-- Keys   queue:<symbol>:<side>, order:<id>, read.
-- Rules  largest volume, then smallest surplus, then nearest the last price; without a last price
--        the middle of the range, rounded down. Orders count with all their lots, an iceberg with
--        its hidden ones; an order whose time was over when the search began does not count.
-- Budget a command reads AUCTION_READS_MAX orders; the next command continues a kept search.

local Search = {}

local ORDERS_PER_READ = 32

-- One side of the book, read level by level from the best: `rank` is the rank of the next order
-- to read; `ticks` and `lots` are the level, complete when `next_ticks` is known (0 = no further
-- level). A side without further orders has 0 ticks.
local function new_side(name)
  return { name = name, rank = 0, ticks = nil, lots = 0, next_ticks = nil }
end

-- Reads until the level is complete; false if the reads of the command are used up before.
local function read_level(search, side)
  local key = queue_key(search.market.symbol, side.name)
  while not side.next_ticks do
    if search.reads_left <= 0 then return false end
    local count = min(ORDERS_PER_READ, search.reads_left)
    local page = call('ZRANGE', key, side.rank, side.rank + count - 1, 'WITHSCORES')
    for index = 1, #page, 2 do
      local order, ticks = read_order(member_order(page[index])), score_ticks(page[index + 1])
      search.reads_left = search.reads_left - 1
      if not Search.is_due(search, order) then
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

-- Matches the best levels of both sides while they cross. The matched lots are the largest volume
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

-- The lowest and the highest price with the largest volume and the smallest surplus. All prices
-- between them qualify too: the surplus is 0 between the best bid and the best ask that are left,
-- and grows with the distance from there.
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

-- Sets the price and the surplus of a search whose volume is known; price 0 if no orders cross.
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

-- A search on the book as it is now: `ticks` is nil until the price is found.
function Search.new(market)
  return { market = market, time_us = market.now_us, reads_left = AUCTION_READS_MAX,
    volume = 0, ticks = nil, low = nil, high = nil, traded = 0, bids = new_side('buy'),
    asks = new_side('sell') }
end

-- Searches until the price is found: then `ticks` is the price (0: no orders cross), with `volume`,
-- `surplus` and `surplus_side`. Returns false if the reads of the command are used up before.
function Search.run(search)
  if not find_volume(search) then return false end
  find_price(search, search.market.last_price)
  return true
end

-- The record of a search between two commands, and the search that a record continues.
function Search.pack(search)
  local bids, asks = search.bids, search.asks
  return Uncross.write({
    time_us = search.time_us, ticks = search.ticks, traded = search.traded,
    volume = search.volume, low = search.low, high = search.high,
    bid_rank = bids.rank, bid_ticks = bids.ticks, bid_lots = bids.lots,
    bid_next = bids.next_ticks, ask_rank = asks.rank, ask_ticks = asks.ticks,
    ask_lots = asks.lots, ask_next = asks.next_ticks,
  })
end

function Search.unpack(market, kept)
  local search = Search.new(market)
  search.time_us, search.ticks, search.traded = kept.time_us, kept.ticks, kept.traded
  search.volume, search.low, search.high = kept.volume, kept.low, kept.high
  local bids, asks = search.bids, search.asks
  bids.rank, bids.ticks, bids.lots = kept.bid_rank, kept.bid_ticks, kept.bid_lots
  asks.rank, asks.ticks, asks.lots = kept.ask_rank, kept.ask_ticks, kept.ask_lots
  bids.next_ticks, asks.next_ticks = kept.bid_next, kept.ask_next
  return search
end

function Search.is_due(search, order)
  return order.expire_us and order.expire_us <= search.time_us
end
