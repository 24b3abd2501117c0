-- Contract: one symbol's market record: the instrument's numbers, its sequences, its clock.
-- Key    market:<symbol> (hash). Written here: seq, book_seq, last_price, clock_us.
-- Errors UNKNOWN_SYMBOL when the hash is not there (load_market returns nil).

local PREFIX = '{tw}:'

local function load_market(symbol, clock_us)
  local values = redis.call('HMGET', PREFIX .. 'market:' .. symbol, 'epoch', 'tick_units',
    'price_decimals', 'lot_units', 'quantity_decimals', 'seq', 'book_seq', 'last_price',
    'clock_us')
  if not values[1] then return nil end
  local now_us = tonumber(clock_us)
  if not now_us then
    local time = redis.call('TIME')
    now_us = tonumber(time[1]) * 1000000 + tonumber(time[2])
  end
  -- The venue clock never runs backwards, whatever the machine's clock does.
  now_us = math.max(now_us, tonumber(values[9]))
  return {
    key = PREFIX .. 'market:' .. symbol,
    symbol = symbol,
    epoch = values[1],
    tick_units = tonumber(values[2]),
    price_decimals = tonumber(values[3]),
    lot_units = tonumber(values[4]),
    quantity_decimals = tonumber(values[5]),
    seq = tonumber(values[6]),
    book_seq = tonumber(values[7]),
    last_price = values[8],
    now_us = now_us,
  }
end

local function save_market(market)
  redis.call('HSET', market.key, 'seq', integer_text(market.seq),
    'book_seq', integer_text(market.book_seq), 'last_price', market.last_price,
    'clock_us', integer_text(market.now_us))
end

local function price_text(market, ticks)
  return decimal_text(ticks * market.tick_units, market.price_decimals)
end

local function quantity_text(market, lots)
  return decimal_text(lots * market.lot_units, market.quantity_decimals)
end
