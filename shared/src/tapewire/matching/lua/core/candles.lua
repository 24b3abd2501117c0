-- Contract: candles, exact at every instant; recorded once by a command that traded.
-- Keys   candle_now:<symbol> (hash): base in seconds (60, 3600, 86400) -> the newest Candle of it.
--        A trade is added to the minute. A closed minute is appended to its stream and added to the
--        hour, a closed hour to its stream and the day. Each trade is therefore in one field only;
--        the candle of a period is the sum of the fields within it.
--        candles:<symbol>:<base> (stream): field 'candle' = a candle that is over, entry id = its
--        start in milliseconds '-1'; bounded.
-- Lots and notional of a candle may exceed 2^53 (those of an order may not): they are added as
-- text.

local CANDLE_BASES = { '60', '3600', '86400' }

-- The sum of two counts of up to 30 digits; all three are text. From 2^53 on, the last 15 digits
-- and the other digits are added separately, so that each sum is exact as a double.
local function sum_text(one, other)
  local sum = one + other
  if sum < EXACT_MAX then return integer_text(sum) end
  local low = tonumber(string.sub(one, -15)) + tonumber(string.sub(other, -15))
  local high = (tonumber(string.sub(one, 1, -16)) or 0)
    + (tonumber(string.sub(other, 1, -16)) or 0)
  if low >= 1000000000000000 then low, high = low - 1000000000000000, high + 1 end
  return integer_text(high) .. format('%015d', low)
end

-- A candle of format 1 has no taker volumes: the pattern finds the empty text.
local function digits_or_zero(digits)
  return digits ~= '' and digits or '0'
end

-- Adds `added` to `current`, two candles of one period.
local function merge_candle(current, added)
  local start_s, open, high, low, _, lots, notional, trades, first_seq, _, buy_lots, buy_notional
    = Candle.split(current)
  -- A subtraction turns the texts into numbers.
  if added.high - high > 0 then high = added.high end
  if added.low - low < 0 then low = added.low end
  return Candle.join(start_s, open, high, low, added.close, sum_text(lots, added.lots),
    sum_text(notional, added.notional), integer_text(trades + added.trades), first_seq,
    added.last_seq, sum_text(digits_or_zero(buy_lots), added.taker_buy_lots),
    sum_text(digits_or_zero(buy_notional), added.taker_buy_notional))
end

-- Candles of format 1 have no taker volumes, and reach from the first to the last price of each
-- command, without the prices of its fired stops. A journal of format 1 is replayed by these rules.
local function reduce_to_format_1(added)
  local is_down = added.open - added.close > 0
  added.high = is_down and added.open or added.close
  added.low = is_down and added.close or added.open
  added.taker_buy_lots, added.taker_buy_notional = '0', '0'
end

-- `market.traded` is the sum of the trades of this command. Stops that the command fired may have
-- traded beyond its first and last price.
local function record_candle(command, market)
  local traded = market.traded
  local key = '{tw}:candle_now:' .. market.symbol
  local open, close = integer_text(traded.first_ticks), market.last_price
  local added = {
    start_s = floor(market.now_us / 1000000),
    open = open,
    high = common_text(traded.high_ticks),
    low = common_text(traded.low_ticks),
    close = close,
    lots = integer_text(traded.lots),
    notional = integer_text(traded.notional),
    trades = integer_text(traded.trades),
    first_seq = integer_text(market.seq - traded.trades + 1),
    last_seq = integer_text(market.seq),
    taker_buy_lots = integer_text(traded.taker_buy_lots),
    taker_buy_notional = integer_text(traded.taker_buy_notional),
  }
  if command.limits.fees_per_order ~= 1 then reduce_to_format_1(added) end
  for _, base_s in ipairs(CANDLE_BASES) do
    added.start_s = integer_text(added.start_s - added.start_s % base_s)
    local current = call('HGET', key, base_s)
    local start_s = current and Candle.split(current)
    if start_s == added.start_s then
      call('HSET', key, base_s, merge_candle(current, added))
      return
    end
    call('HSET', key, base_s, Candle.write(added))
    if not current then return end
    call('XADD', '{tw}:candles:' .. market.symbol .. ':' .. base_s, 'MAXLEN', '~', CANDLES_MAX,
      integer_text(start_s * 1000) .. '-1', 'candle', current)
    -- A candle that is over goes into the candle of the next longer base.
    added = Candle.read(current)
  end
end
