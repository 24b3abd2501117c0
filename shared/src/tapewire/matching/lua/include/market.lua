-- Contract: one symbol's market record: the instrument's steps, its sequences, clock and controls.
-- Key    market:<symbol> (hash):
--        steps = epoch|tick_units|price_decimals|lot_units|quantity_decimals|base|quote|
--                base_units|quote_units (units of the base asset in a lot, of the quote asset in
--                a tick x lot), written once;
--        state = seq|book_seq|last_price|clock_us, written by every command;
--        controls = state|revision|band_bps|open_orders_max|order_lots_max|order_notional_max|
--                position_lots_max|maker_fee_ppm|taker_fee_ppm, written by the admin scripts.
-- A symbol without this record is unknown: load_market returns nil.
--
-- All keys of the venue begin with {tw}: (tapewire/keys.py). The prefix stands in each name, and
-- what one function needs in that function: each call of a script makes all functions of its file
-- anew, and what they share with the file costs about as much as the functions.

-- The venue clock of one command in microseconds: what the caller supplies, or Redis TIME.
local function read_clock(clock_us)
  if clock_us ~= '' then return clock_us + 0 end
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

-- `clock_us` is the clock of the command as text.
local function load_market(symbol, clock_us)
  local key = '{tw}:market:' .. symbol
  local record = redis.call('HMGET', key, 'steps', 'state', 'controls')
  if not record[1] then return nil end
  local epoch, tick_units, price_decimals, lot_units, quantity_decimals, base, quote, base_units,
    quote_units = string.match(record[1],
      '^([^|]*)|(%d+)|(%d+)|(%d+)|(%d+)|([^|]*)|([^|]*)|(%d+)|(%d+)$')
  local seq, book_seq, last_price, last_us = string.match(record[2], '^(%d+)|(%d+)|(%d*)|(%d+)$')
  local state, revision, band_bps, open_orders_max, order_lots_max, order_notional_max,
    position_lots_max, maker_fee_ppm, taker_fee_ppm = string.match(record[3],
      '^([^|]*)|(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|(%d+)$')
  local now, now_us = clock_us, clock_us + 0
  -- The venue clock never runs backwards, whatever the machine's clock does.
  if last_us - now_us > 0 then now, now_us = last_us, last_us + 0 end
  return {
    key = key,
    symbol = symbol,
    epoch = epoch,
    tick_units = tick_units + 0,
    price_decimals = price_decimals + 0,
    lot_units = lot_units + 0,
    quantity_decimals = quantity_decimals + 0,
    base = base,
    quote = quote,
    base_units = base_units + 0,
    quote_units = quote_units + 0,
    seq = seq + 0,
    book_seq = book_seq + 0,
    last_price = last_price,
    state = state,
    revision = revision,
    band_bps = band_bps,
    open_orders_max = open_orders_max,
    order_lots_max = order_lots_max,
    order_notional_max = order_notional_max,
    position_lots_max = position_lots_max,
    maker_fee_ppm = maker_fee_ppm,
    taker_fee_ppm = taker_fee_ppm,
    now_us = now_us,
    now = now,
    timestamp = timestamp_text(now_us),
    -- Price in ticks -> displayed lots more than before; made when the side changes.
    buy = nil,
    sell = nil,
    -- What was traded by this command (include/trades.lua); nil before the first trade.
    traded = nil,
  }
end

local function price_text(market, ticks)
  return decimal_text(ticks * market.tick_units, market.price_decimals)
end

local function quantity_text(market, lots)
  return decimal_text(lots * market.lot_units, market.quantity_decimals)
end
