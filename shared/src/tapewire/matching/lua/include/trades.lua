-- Contract: printing a trade: sequence, replay log and publication in the same atomic step.
-- Key    trades:<symbol> (stream): entry id = seq, field 'event' = the published JSON; trimmed to
--        about log_trades_max entries.
-- Events one JSON object a trade on channel trade_events (docs/protocol.md).

local TRADE_CHANNEL = 'trade_events'

local function print_trade(command, market, taker, maker, ticks, lots)
  market.seq = market.seq + 1
  local seq = integer_text(market.seq)
  local event = '{"trade_id":"' .. market.symbol .. '-' .. seq .. '","seq":' .. seq
    .. ',"symbol":"' .. market.symbol .. '","price":"' .. price_text(market, ticks)
    .. '","quantity":"' .. quantity_text(market, lots) .. '","aggressor_side":"' .. taker.side
    .. '","maker_order_id":"' .. maker.id .. '","taker_order_id":"' .. taker.id
    .. '","timestamp":"' .. market.timestamp .. '","epoch":"' .. market.epoch .. '"}'
  redis.call('XADD', PREFIX .. 'trades:' .. market.symbol, 'MAXLEN', '~', command.log_trades_max,
    seq, 'event', event)
  redis.call('PUBLISH', TRADE_CHANNEL, event)
  market.first_ticks = market.first_ticks or ticks
  market.high_ticks = math.max(market.high_ticks or ticks, ticks)
  market.low_ticks = math.min(market.low_ticks or ticks, ticks)
  market.last_price = integer_text(ticks)
  market.traded_lots = market.traded_lots + lots
  market.traded_notional = market.traded_notional + ticks * lots
  market.trades = market.trades + 1
  return seq
end

-- Remembers a fill for the history of its account (fills:<account> in include/command.lua).
-- `fill` is ticks,lots,m|t,time_us,fee_units.
local function note_fill(command, order, seq, fill)
  local lines = command.fills[order.account]
  if not lines then
    lines = {}
    command.fills[order.account] = lines
    command.accounts[#command.accounts + 1] = order.account
  end
  lines[#lines + 1] = order.id .. ',' .. order.symbol .. ',' .. order.side .. ',' .. seq .. ','
    .. fill
end
