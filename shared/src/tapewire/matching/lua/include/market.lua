-- Contract: one symbol's market record: the instrument's steps, its sequences, clock and controls.
-- Key    market:<symbol> (hash):
--        steps = epoch|tick_units|price_decimals|lot_units|quantity_decimals|base|quote|
--                base_units|quote_units (units of the base asset in a lot, of the quote asset in
--                a tick x lot), written once;
--        state = seq|book_seq|last_price|clock_us, written by every command;
--        controls = state|revision|band_bps|open_orders_max|order_lots_max|order_notional_max|
--                position_lots_max|maker_fee_ppm|taker_fee_ppm, written by the admin scripts.
-- A symbol without this record is unknown: load_market returns nil.

local PREFIX = '{tw}:'
local STEPS_PATTERN = '^(.-)|(%d+)|(%d+)|(%d+)|(%d+)|(.-)|(.-)|(%d+)|(%d+)$'
local CONTROLS_PATTERN = '^(.-)|(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|(%d+)$'

-- The venue clock of one command: what the caller supplies, or Redis TIME.
local function read_clock(clock_us)
  local now_us = tonumber(clock_us)
  if now_us then return now_us end
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

local function load_market(symbol, clock_us)
  local key = PREFIX .. 'market:' .. symbol
  local record = redis.call('HMGET', key, 'steps', 'state', 'controls')
  if not record[1] then return nil end
  local epoch, tick_units, price_decimals, lot_units, quantity_decimals, base, quote, base_units,
    quote_units = string.match(record[1], STEPS_PATTERN)
  local seq, book_seq, last_price, last_us = string.match(record[2], '^(%d+)|(%d+)|(%d*)|(%d+)$')
  local state, revision, band_bps, open_orders_max, order_lots_max, order_notional_max,
    position_lots_max, maker_fee_ppm, taker_fee_ppm = string.match(record[3], CONTROLS_PATTERN)
  -- The venue clock never runs backwards, whatever the machine's clock does.
  local now_us = math.max(read_clock(clock_us), tonumber(last_us))
  return {
    key = key,
    symbol = symbol,
    epoch = epoch,
    tick_units = tonumber(tick_units),
    price_decimals = tonumber(price_decimals),
    lot_units = tonumber(lot_units),
    quantity_decimals = tonumber(quantity_decimals),
    base = base,
    quote = quote,
    base_units = tonumber(base_units),
    quote_units = tonumber(quote_units),
    seq = tonumber(seq),
    book_seq = tonumber(book_seq),
    last_price = last_price,
    state = state,
    revision = revision,
    band_bps = tonumber(band_bps),
    open_orders_max = open_orders_max,
    order_lots_max = order_lots_max,
    order_notional_max = order_notional_max,
    position_lots_max = position_lots_max,
    maker_fee_ppm = maker_fee_ppm,
    taker_fee_ppm = taker_fee_ppm,
    now_us = now_us,
    now = integer_text(now_us),
    timestamp = timestamp_text(now_us),
    changes = { buy = {}, sell = {} },
    first_ticks = nil,
    traded_lots = 0,
    traded_notional = 0,
    trades = 0,
  }
end

local function save_market(market)
  redis.call('HSET', market.key, 'state', integer_text(market.seq) .. '|'
    .. integer_text(market.book_seq) .. '|' .. market.last_price .. '|' .. market.now)
end

local function price_text(market, ticks)
  return decimal_text(ticks * market.tick_units, market.price_decimals)
end

local function quantity_text(market, lots)
  return decimal_text(lots * market.lot_units, market.quantity_decimals)
end
