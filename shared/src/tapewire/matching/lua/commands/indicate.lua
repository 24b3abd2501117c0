-- indicate: publish the price and volume at which a market in an auction would uncross now.
--
-- Any gateway may call indicate at any time. It does nothing if no command has touched the market
-- since the last search, or if the last search was too short a time ago.
--
-- KEYS   1 market:<symbol>
-- ARGV   4 symbol   5 shortest time between two searches, in microseconds, for each
--        INDICATIVE_READS orders that the last search read
-- Reply  1 if the price was searched, else 0.
-- Errors UNKNOWN_SYMBOL.
-- Keys   market:<symbol>, field indicative: the newest Indicative.
-- Events one JSON object on channel market_events, if the result differs from the last one.

-- Whether no command has touched the market since the last search, or that search is too new. A
-- search that read many orders is repeated less often.
local function is_new_enough(market, known, interval_us)
  local age = market.now_us - known.time_us
  local pause = interval_us * max(1, known.reads / INDICATIVE_READS)
  return known.time_us == market.clock_us + 0 or age >= 0 and age < pause
end

local function find_indicative(market)
  local search = Search.new(market)
  local found = { time_us = market.now_us, ticks = nil, lots = 0, surplus = 0, surplus_side = '',
    reads = 0 }
  if Search.run(search) then
    found.ticks, found.lots = search.ticks, min(search.volume, EXACT_MAX)
    found.surplus, found.surplus_side = min(search.surplus or 0, EXACT_MAX),
      search.surplus_side or ''
  end
  found.reads = AUCTION_READS_MAX - search.reads_left
  return found
end

local function is_same(known, found)
  return known and known.ticks == found.ticks and known.lots == found.lots
    and known.surplus == found.surplus and known.surplus_side == found.surplus_side
end

-- The JSON members of an indicative price; null if one command cannot read all orders.
local function indicative_members(market, found)
  local price, side = 'null', 'null'
  if found.ticks and found.ticks > 0 then price = '"' .. price_text(market, found.ticks) .. '"' end
  if found.surplus_side ~= '' then side = '"' .. found.surplus_side .. '"' end
  local quantity, surplus = 'null', 'null'
  if found.ticks then
    quantity = '"' .. quantity_text(market, found.lots) .. '"'
    surplus = '"' .. quantity_text(market, found.surplus) .. '"'
  end
  return ',"price":' .. price .. ',"quantity":' .. quantity .. ',"surplus":' .. surplus
    .. ',"surplus_side":' .. side
end

local function indicate(command, symbol, interval_us)
  local market = command_market(command, symbol)
  if not market then return nil, 'UNKNOWN_SYMBOL' end
  if market.controls.state ~= 'auction' then return 0 end
  local kept = call('HGET', market.key, 'indicative')
  local known = kept and Indicative.read(kept)
  if known and is_new_enough(market, known, interval_us) then return 0 end

  local found = find_indicative(market)
  local text = Indicative.write(found)
  call('HSET', market.key, 'indicative', text)
  if not is_same(known, found) then
    publish_market(symbol, 'auction', 'indicative', market.timestamp, market.steps.epoch,
      indicative_members(market, found))
  end
  end_command(command, text)
  return 1
end
