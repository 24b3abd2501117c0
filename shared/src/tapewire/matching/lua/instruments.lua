-- instruments: make instruments known to the venue, all of them or none.
--
-- KEYS   1 instruments
-- ARGV   1 an epoch to use if the venue has none yet; then per instrument three values:
--        symbol, base|quote|tick_units|price_decimals|lot_units|quantity_decimals (fixed for
--        life), quantity_lots_min|quantity_lots_max|price_ticks_max|notional_min (may change).
-- Reply  the venue's epoch.
-- Errors INSTRUMENT_CONFLICT <symbol>: it is live with another base, quote, tick or lot.
-- Keys   epoch (string): names one unbroken life of the data; written once.
--        instruments (set): every symbol.
--        market:<symbol> (hash): identity, limits, steps, state (include/market.lua).

local PREFIX = '{tw}:'
local WIDTH = 3

for first = 2, #ARGV, WIDTH do
  local live = redis.call('HGET', PREFIX .. 'market:' .. ARGV[first], 'identity')
  -- Changing it would change the meaning of every resting order.
  if live and live ~= ARGV[first + 1] then
    return redis.error_reply('INSTRUMENT_CONFLICT ' .. ARGV[first])
  end
end

redis.call('SET', PREFIX .. 'epoch', ARGV[1], 'NX')
local epoch = redis.call('GET', PREFIX .. 'epoch')
for first = 2, #ARGV, WIDTH do
  local symbol, identity = ARGV[first], ARGV[first + 1]
  local key = PREFIX .. 'market:' .. symbol
  redis.call('SADD', KEYS[1], symbol)
  redis.call('HSET', key, 'identity', identity, 'limits', ARGV[first + 2],
    'steps', epoch .. '|' .. string.match(identity, '^.-|.-|(.*)$'))
  redis.call('HSETNX', key, 'state', '0|0||0')
end
return epoch
