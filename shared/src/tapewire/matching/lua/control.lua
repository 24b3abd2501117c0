-- control: switch a market's state, or set its price band and its bound on open orders.
--
-- KEYS   1 market:<symbol>
-- ARGV   1 clock_us   2 limits   3 symbol   4 state: trading|cancel_only|halted|post_only ('' = as
--        it is)   5 band_bps (0 = none)   6 open_orders_max   7 order_lots_max (0 = none)
--        8 order_notional_max (0 = none)   9 position_lots_max (0 = none)   10 maker_fee_ppm
--        11 taker_fee_ppm; each '' = as it is
-- Reply  controls: state|revision|band_bps|open_orders_max|order_lots_max|order_notional_max|
--        position_lots_max|maker_fee_ppm|taker_fee_ppm.
-- Errors UNKNOWN_SYMBOL.
-- Events one JSON object on channel market_events.
-- @include text market book ledger command

local command = begin_command('control')
local market = command_market(command, ARGV[3])
if not market then return redis.error_reply('UNKNOWN_SYMBOL') end
local state = ARGV[4] ~= '' and ARGV[4] or market.state
local bounds = { market.band_bps, market.open_orders_max, market.order_lots_max,
  market.order_notional_max, market.position_lots_max, market.maker_fee_ppm,
  market.taker_fee_ppm }
for index = 1, #bounds do
  if ARGV[4 + index] ~= '' then bounds[index] = ARGV[4 + index] end
end
local controls = state .. '|' .. market.revision .. '|' .. table.concat(bounds, '|')
redis.call('HSET', market.key, 'controls', controls)
redis.call('PUBLISH', 'market_events', '{"symbol":"' .. market.symbol
  .. '","state":"' .. state
  .. '","change":"state","timestamp":"' .. market.timestamp
  .. '","epoch":"' .. market.epoch .. '"}')
end_command(command, controls)
return controls
