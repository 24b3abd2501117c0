-- instruments: make instruments known to the venue, all of them or none.
--
-- KEYS   1 instruments
-- ARGV   1 an epoch to use if the venue has none yet; then per instrument ten values:
--        symbol base quote tick_units price_decimals lot_units quantity_decimals
--        quantity_lots_min quantity_lots_max notional_min
-- Reply  the venue's epoch.
-- Errors INSTRUMENT_CONFLICT <symbol>: it is live with another base, quote, tick or lot.
-- Keys   epoch (string): names one unbroken life of the data; written once.
--        instruments (set): every symbol; market:<symbol> (hash): numbers and sequences.

local PREFIX = '{tw}:'
local NAMES = { 'base', 'quote', 'tick_units', 'price_decimals', 'lot_units',
  'quantity_decimals', 'quantity_lots_min', 'quantity_lots_max', 'notional_min' }
-- Changing these would change the meaning of every resting order.
local FIXED_NAMES = 6
local WIDTH = 1 + #NAMES

for first = 2, #ARGV, WIDTH do
  local key = PREFIX .. 'market:' .. ARGV[first]
  for index = 1, FIXED_NAMES do
    local live = redis.call('HGET', key, NAMES[index])
    if live and live ~= ARGV[first + index] then
      return redis.error_reply('INSTRUMENT_CONFLICT ' .. ARGV[first])
    end
  end
end

redis.call('SET', PREFIX .. 'epoch', ARGV[1], 'NX')
local epoch = redis.call('GET', PREFIX .. 'epoch')
for first = 2, #ARGV, WIDTH do
  local key = PREFIX .. 'market:' .. ARGV[first]
  redis.call('SADD', KEYS[1], ARGV[first])
  redis.call('HSET', key, 'symbol', ARGV[first], 'epoch', epoch)
  for index = 1, #NAMES do redis.call('HSET', key, NAMES[index], ARGV[first + index]) end
  for _, name in ipairs({ 'seq', 'book_seq', 'clock_us' }) do
    redis.call('HSETNX', key, name, '0')
  end
  redis.call('HSETNX', key, 'last_price', '')
end
return epoch
