-- Contract: printing a trade: sequence, replay log and publication in the same atomic step.
-- Key    trades:<symbol> (stream): entry id = seq, field 'event' = the published JSON; trimmed to
--        about log_trades_max entries.
-- Events one JSON object a trade on channel trade_events (docs/protocol.md).

-- Returns the sequence number of the trade as text.
local function print_trade(command, market, taker, maker, ticks, lots)
  market.seq = market.seq + 1
  local seq = integer_text(market.seq)
  local event = '{"trade_id":"' .. market.symbol .. '-' .. seq .. '","seq":' .. seq
    .. ',"symbol":"' .. market.symbol .. '","price":"' .. price_text(market, ticks)
    .. '","quantity":"' .. quantity_text(market, lots) .. '","aggressor_side":"' .. taker.side
    .. '","maker_order_id":"' .. maker.id .. '","taker_order_id":"' .. taker.id
    .. '","timestamp":"' .. market.timestamp .. '","epoch":"' .. market.epoch .. '"}'
  redis.call('XADD', '{tw}:trades:' .. market.symbol, 'MAXLEN', '~', command.log_trades_max,
    seq, 'event', event)
  redis.call('PUBLISH', 'trade_events', event)
  market.high_ticks = math.max(market.high_ticks or ticks, ticks)
  market.low_ticks = math.min(market.low_ticks or ticks, ticks)
  market.last_price = integer_text(ticks)
  local traded = market.traded
  if traded then
    traded.lots, traded.notional = traded.lots + lots, traded.notional + ticks * lots
    traded.trades = traded.trades + 1
  else
    market.traded = { first_ticks = ticks, lots = lots, notional = ticks * lots, trades = 1 }
  end
  return seq
end

-- Remembers a fill for the history of its account (fills:<account> in include/command.lua).
-- `fill` is ticks,lots,m|t,time_us,fee_units.
local function note_fill(command, order, seq, fill)
  local entry = account_entry(command, order.account)
  local line = order.id .. ',' .. order.symbol .. ',' .. order.side .. ',' .. seq .. ',' .. fill
  if entry.fills then
    entry.fills[#entry.fills + 1] = line
  else
    entry.fills = { line }
  end
end
