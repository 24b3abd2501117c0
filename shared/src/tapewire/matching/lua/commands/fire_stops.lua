-- fire_stops: continue an uncross, or run fired stops that wait for their turn, within the budget
-- of a command.
--
-- Any gateway may call fire_stops at any time. Stops run only while the market is trading.
--
-- KEYS   1 market:<symbol>
-- ARGV   4 symbol
-- Reply  1 if an uncross or stops still wait for their turn, else 0.
-- Errors UNKNOWN_SYMBOL.
-- Events as place.

local function fire_stops(command, symbol)
  local market, unknown = command_market(command, symbol)
  if not market then return nil, unknown end
  if market.uncross then
    Auction.run(command, market)
    end_command(command, '')
  else
    if not market.is_firing or market.controls.state ~= 'trading' then return 0 end
    local count = run_stops(command, market)
    end_command(command, integer_text(count))
  end
  if market.controls.state == 'trading' then return call('SISMEMBER', FIRING, symbol) end
  return call('HEXISTS', market.key, 'uncross')
end
