-- control: switch a market's state, or set its price band and its bound on open orders.
--
-- KEYS   1 market:<symbol>
-- ARGV   1 clock_us   2 limits   3 symbol   4 state: trading|cancel_only|halted|post_only ('' = as
--        it is)   5 band_bps (0 = none, '' = as it is)   6 open_orders_max ('' = as it is)
-- Reply  controls: state|revision|band_bps|open_orders_max.
-- Errors UNKNOWN_SYMBOL.
-- Events one JSON object on channel market_events.
-- @include text market book orders candles command

local command = begin_command('control')
local market = command_market(command, ARGV[3])
if not market then return redis.error_reply('UNKNOWN_SYMBOL') end
local state = ARGV[4] ~= '' and ARGV[4] or market.state
local band_bps = tonumber(ARGV[5]) or market.band_bps
local open_orders_max = tonumber(ARGV[6]) or market.open_orders_max
local controls = table.concat({ state, market.revision, integer_text(band_bps),
  integer_text(open_orders_max) }, '|')
redis.call('HSET', market.key, 'controls', controls)
redis.call('PUBLISH', 'market_events', '{"symbol":"' .. market.symbol
  .. '","state":"' .. state
  .. '","change":"state","timestamp":"' .. market.timestamp
  .. '","epoch":"' .. market.epoch .. '"}')
end_command(command, controls)
return controls
