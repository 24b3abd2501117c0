-- control: switch a market's state, or set its price band and its bound on open orders.
--
-- A market whose orders cross, because an auction collected them, uncrosses when the market is
-- switched to trading or post_only (core/auction.lua). fire_stops continues a large uncross.
--
-- KEYS   1 market:<symbol>
-- ARGV   4 symbol   5 state: trading|cancel_only|halted|post_only|auction ('' = as it is)
--        6 band_bps (0 = none)   7 open_orders_max   8 order_lots_max (0 = none)
--        9 order_notional_max (0 = none)   10 position_lots_max (0 = none)   11 maker_fee_ppm
--        12 taker_fee_ppm; each '' = as it is
-- A broken market is checked again when it is switched to another state than halted.
--
-- Reply  the packed controls.
-- Errors UNKNOWN_SYMBOL, MARKET_BROKEN <symbol>,
--        UNCROSS_PENDING (an uncross is not over: fire_stops, then ask again).
-- Events one JSON object on channel market_events; those of an uncross.

-- Lets a market trade whose orders may cross.
local function open_market(command, market)
  local state = market.controls.state
  if (state == 'trading' or state == 'post_only') and Auction.is_crossed(market) then
    Auction.run(command, market)
  end
end

local function control(command, symbol, state, band_bps, open_orders_max, order_lots_max,
    order_notional_max, position_lots_max, maker_fee_ppm, taker_fee_ppm)
  local is_switched_on = state ~= '' and state ~= 'halted'
  if is_switched_on and call('HEXISTS', BROKEN, symbol) == 1 then
    if not clear_broken(symbol, command.clock_us) then return nil, 'MARKET_BROKEN ' .. symbol end
  end
  local market, unknown = command_market(command, symbol)
  if not market then return nil, unknown end
  if market.uncross then return nil, 'UNCROSS_PENDING' end
  local now = market.controls
  local new_state = changed(state, now.state)
  local controls = Controls.join(new_state, now.revision, changed(band_bps, now.band_bps),
    changed(open_orders_max, now.open_orders_max), changed(order_lots_max, now.order_lots_max),
    changed(order_notional_max, now.order_notional_max),
    changed(position_lots_max, now.position_lots_max), changed(maker_fee_ppm, now.maker_fee_ppm),
    changed(taker_fee_ppm, now.taker_fee_ppm))
  call('HSET', market.key, 'controls', controls)
  publish_market(symbol, new_state, 'state', market.timestamp, market.steps.epoch)
  Auction.note_state(market, new_state)
  market.controls = known_controls(controls)
  open_market(command, market)
  end_command(command, controls)
  return controls
end
