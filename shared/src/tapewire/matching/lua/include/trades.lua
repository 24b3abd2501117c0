-- Contract: printing a trade: sequence, replay log and publication in the same atomic step.
-- Key    trades:<symbol> (stream): entry id = seq, field 'event' = the published JSON; trimmed to
--        about log_trades_max entries.
-- Events one JSON object a trade on channel trade_events (docs/protocol.md).

local TRADE_CHANNEL = 'trade_events'

-- What all trades of one command share is put together once.
local function trade_printer(market, taker_side, taker_id, log_trades_max)
  local key = PREFIX .. 'trades:' .. market.symbol
  local tail = '","aggressor_side":"' .. taker_side .. '","maker_order_id":"'
  local close = '","taker_order_id":"' .. taker_id .. '","timestamp":"'
    .. market.timestamp .. '","epoch":"' .. market.epoch .. '"}'
  return function(ticks, lots, maker_id)
    market.seq = market.seq + 1
    local seq = integer_text(market.seq)
    local event = '{"trade_id":"' .. market.symbol .. '-' .. seq .. '","seq":' .. seq
      .. ',"symbol":"' .. market.symbol .. '","price":"' .. price_text(market, ticks)
      .. '","quantity":"' .. quantity_text(market, lots) .. tail .. maker_id .. close
    redis.call('XADD', key, 'MAXLEN', '~', log_trades_max, seq, 'event', event)
    redis.call('PUBLISH', TRADE_CHANNEL, event)
    return seq
  end
end
