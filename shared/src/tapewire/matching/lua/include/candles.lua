-- Contract: candles, exact at every instant; called once by a command that traded.
-- Keys   candle_now:<symbol> (hash): base in seconds (60, 3600, 86400) -> the newest candle of it,
--        start_s|open|high|low|close|lots|notional|trades|first_seq|last_seq (prices in ticks,
--        notional in ticks x lots). Trades go into the minute. A minute that is over goes to its
--        stream and into the hour, an hour that is over to its stream and into the day: what is
--        in one field is not in another, and all fields that fall in a period add up to it.
--        candles:<symbol>:<base> (stream): field 'candle' = a candle that is over, entry id = its
--        start in milliseconds '-1'; trimmed to about 10,000.
-- Lots and notional of a candle may pass 2^53 (one order's may not): they are added as text.

-- `traded` is what this command traded, at prices from its first_ticks to market.last_price.
local function record_candle(market, traded)
  -- Sum of two counts of up to 30 digits, all three as text. From 2^53 on the last 15 digits and
  -- the rest are added apart, each exact as a double.
  local function sum_text(one, other)
    local sum = one + other
    if sum < 9007199254740992 then return integer_text(sum) end
    local low = tonumber(string.sub(one, -15)) + tonumber(string.sub(other, -15))
    local high = (tonumber(string.sub(one, 1, -16)) or 0)
      + (tonumber(string.sub(other, 1, -16)) or 0)
    if low >= 1000000000000000 then low, high = low - 1000000000000000, high + 1 end
    return integer_text(high) .. string.format('%015d', low)
  end

  local key = '{tw}:candle_now:' .. market.symbol
  -- All of them text, as they are kept; comparing by subtraction makes numbers of them.
  local open, close = integer_text(traded.first_ticks), market.last_price
  local high, low = close, open
  if open - close > 0 then high, low = open, close end
  local volume, amount, trades = integer_text(traded.lots), integer_text(traded.notional),
    integer_text(traded.trades)
  local first_seq, last_seq = integer_text(market.seq - traded.trades + 1),
    integer_text(market.seq)
  local time_s = math.floor(market.now_us / 1000000)
  for base = 1, 3 do
    local base_s = base == 1 and '60' or base == 2 and '3600' or '86400'
    local start_s = integer_text(time_s - time_s % base_s)
    local current = redis.call('HGET', key, base_s)
    local s, o, h, l, c, v, a, t, f, e
    if current then
      s, o, h, l, c, v, a, t, f, e = string.match(current,
        '^(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|(%d+)$')
    end
    if s == start_s then
      if high - h > 0 then h = high end
      if l - low > 0 then l = low end
      redis.call('HSET', key, base_s, s .. '|' .. o .. '|' .. h .. '|' .. l .. '|' .. close .. '|'
        .. sum_text(v, volume) .. '|' .. sum_text(a, amount) .. '|' .. integer_text(t + trades)
        .. '|' .. f .. '|' .. last_seq)
      return
    end
    redis.call('HSET', key, base_s, start_s .. '|' .. open .. '|' .. high .. '|' .. low .. '|'
      .. close .. '|' .. volume .. '|' .. amount .. '|' .. trades .. '|' .. first_seq .. '|'
      .. last_seq)
    if not current then return end
    redis.call('XADD', '{tw}:candles:' .. market.symbol .. ':' .. base_s, 'MAXLEN', '~',
      10000, integer_text(s * 1000) .. '-1', 'candle', current)
    -- What is over goes into the next longer one.
    time_s, open, high, low, close, volume, amount, trades, first_seq, last_seq =
      s, o, h, l, c, v, a, t, f, e
  end
end
