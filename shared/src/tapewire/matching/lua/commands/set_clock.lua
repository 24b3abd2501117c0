-- set_clock: set a market whose time is ahead of the clock back to the clock.
--
-- The time of a market never runs back. After a clock that was ahead for a while, the time of a
-- market therefore stands still until the clock has caught up. An operator who knows that the clock
-- is right now uses set_clock.
--
-- KEYS   1 market:<symbol>
-- ARGV   4 symbol
-- Reply  1 if it was set back, else 0.
-- Errors UNKNOWN_SYMBOL.
-- Keys   candle_now:<symbol>: a candle that begins after the present period gets its start.
--        candles:<symbol>:<base>: candles of the present and later periods are dropped, because new
--        candles of these periods follow. The stream is written again, because a stream accepts no
--        id below its newest one.
-- Events none.

local function drop_candles(key, start_s)
  local first = integer_text(start_s * 1000) .. '-0'
  if #call('XRANGE', key, first, '+', 'COUNT', 1) == 0 then return end
  local kept = call('XRANGE', key, '-', '(' .. first)
  call('DEL', key)
  for _, entry in ipairs(kept) do call('XADD', key, entry[1], unpack(entry[2])) end
end

local function set_candles_back(symbol, now_s)
  local newest = '{tw}:candle_now:' .. symbol
  for _, base_s in ipairs(CANDLE_BASES) do
    local start_s = now_s - now_s % base_s
    local current = call('HGET', newest, base_s)
    local candle = current and Candle.read(current)
    if candle and candle.start_s - start_s > 0 then
      candle.start_s = integer_text(start_s)
      call('HSET', newest, base_s, Candle.write(candle))
    end
    drop_candles('{tw}:candles:' .. symbol .. ':' .. base_s, start_s)
  end
end

local function set_clock(command, symbol)
  local key = market_key(symbol)
  local state = call('HGET', key, 'state')
  if not state then return nil, 'UNKNOWN_SYMBOL' end
  local seq, book_seq, last_price, clock_us = MarketState.split(state)
  if clock_us - command.clock_us <= 0 then return 0 end
  call('HSET', key, 'state', MarketState.join(seq, book_seq, last_price, command.clock_us))
  set_candles_back(symbol, floor(command.clock_us / 1000000))
  end_command(command, '')
  return 1
end
