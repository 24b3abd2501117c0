-- Contract: one symbol's market record: the steps of the instrument, sequences, clock, controls.
-- Key    market:<symbol> (hash): steps and identity, written once; limits and controls, written by
--        the commands of administrators; state, written by every command on the market. The fields
--        of each: tapewire/packed/layout.py.
-- Events one JSON object on channel market_events (publish_market).
-- A symbol without this record is unknown, unless it is listed as an instrument. A symbol with the
-- state delisted is unknown to every command but `instruments`.
-- All keys of the venue begin with {tw}: (tapewire/keys.py).

local function market_key(symbol)
  return '{tw}:market:' .. symbol
end

-- The steps of a market, with functions that remember prices and quantities as text.
local known_steps = remembering(function(text)
  local steps = Steps.read(text)
  steps.price_text = remembering(function(ticks)
    return decimal_text(ticks * steps.tick_units, steps.price_decimals)
  end)
  steps.quantity_text = remembering(function(lots)
    return decimal_text(lots * steps.lot_units, steps.quantity_decimals)
  end)
  return steps
end)

-- The clock of Redis in microseconds since 1970, as text.
local function redis_clock()
  local time = call('TIME')
  return integer_text(time[1] * 1000000 + time[2])
end

-- The market as a table; a command changes its `seq`, `book_seq` and `last_price`. `clock_us` is
-- the clock of the command as text. Nil if the symbol is unknown; fails if a field of the record
-- cannot be read.
local function read_market(symbol, clock_us)
  local key = market_key(symbol)
  local record = call('HMGET', key, 'steps', 'state', 'controls', 'reached', 'uncross',
    'broken')
  if record[6] then error('it was broken before', 0) end
  if not record[1] then
    if call('SISMEMBER', '{tw}:instruments', symbol) == 0 then return nil end
    error('it has no record', 0)
  end
  local market = MarketState.read_into({
    key = key,
    symbol = symbol,
    steps = known_steps(record[1]),
    controls = known_controls(record[3]),
    now = clock_us,
    now_us = clock_us + 0,
    -- Price in ticks -> displayed lots more than before.
    buy = nil,
    sell = nil,
    -- The sums of the trades of this command (core/trades.lua); nil before the first trade.
    traded = nil,
  }, record[2])
  local mode = market.controls.state
  if not mode then error('its controls cannot be read', 0) end
  if mode == 'delisted' then return nil end
  -- Fired stops that wait for their turn (core/stops.lua).
  if record[4] then Reached.read_into(market, record[4]) end
  -- An uncross that is not over (core/auction.lua).
  market.uncross = record[5] and Uncross.read(record[5])
  market.is_firing = market.high_ticks ~= nil or record[5]
  -- The venue clock never runs backwards, whatever the clock of the machine does.
  if market.clock_us - market.now_us > 0 then
    market.now, market.now_us = market.clock_us, market.clock_us + 0
  end
  market.timestamp = timestamp_text(market.now_us)
  return market
end

-- Prices and quantities as the wire shows them.
local function price_text(market, ticks)
  return market.steps.price_text(ticks)
end

local function quantity_text(market, lots)
  return market.steps.quantity_text(lots)
end

-- trading, cancel_only, halted, post_only, auction, or delisted; nil for an unknown symbol.
local function market_mode(symbol)
  local controls = call('HGET', market_key(symbol), 'controls')
  return controls and known_controls(controls).state
end

-- Whether an uncross of the market is not over (core/auction.lua).
local function is_uncrossing(symbol)
  return call('HEXISTS', market_key(symbol), 'uncross') == 1
end

-- `wanted`; the present value if `wanted` is the empty text.
local function changed(wanted, value)
  return wanted ~= '' and wanted or value
end

-- Publishes a change of a market: listed, delisted, another state, other limits, or prices of its
-- auction. `details` are further members of the JSON object.
local function publish_market(symbol, state, change, timestamp, epoch, details)
  call('PUBLISH', 'market_events', '{"symbol":"' .. symbol .. '","state":"' .. state
    .. '","change":"' .. change .. '","timestamp":"' .. timestamp .. '","epoch":"' .. epoch .. '"'
    .. (details or '') .. '}')
end
