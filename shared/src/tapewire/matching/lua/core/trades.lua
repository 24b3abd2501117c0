-- Contract: printing a trade: sequence, replay log and publication in the same atomic step.
-- Key    trades:<symbol> (stream): entry id = seq, field 'event' = the published JSON; bounded by
--        the limit log_trades_max.
-- Events one JSON object a trade on channel trade_events (docs/protocol.md).

-- Adds a trade to the sums of the command in this market; `side` is the side of the taker.
local function count_trade(market, side, ticks, lots)
  local traded = market.traded
  if not traded then
    traded = { first_ticks = ticks, high_ticks = ticks, low_ticks = ticks, lots = 0, notional = 0,
      trades = 0, taker_buy_lots = 0, taker_buy_notional = 0 }
    market.traded = traded
  end
  traded.lots, traded.notional = traded.lots + lots, traded.notional + ticks * lots
  traded.trades = traded.trades + 1
  traded.high_ticks = max(traded.high_ticks, ticks)
  traded.low_ticks = min(traded.low_ticks, ticks)
  if side == 'buy' then
    traded.taker_buy_lots = traded.taker_buy_lots + lots
    traded.taker_buy_notional = traded.taker_buy_notional + ticks * lots
  end
  market.high_ticks = max(market.high_ticks or ticks, ticks)
  market.low_ticks = min(market.low_ticks or ticks, ticks)
  market.last_price = common_text(ticks)
end

-- Returns the sequence number of the trade as text.
local function print_trade(command, market, taker, maker, ticks, lots)
  market.seq = market.seq + 1
  local seq = integer_text(market.seq)
  local event = '{"trade_id":"' .. market.symbol .. '-' .. seq .. '","seq":' .. seq
    .. ',"symbol":"' .. market.symbol .. '","price":"' .. price_text(market, ticks)
    .. '","quantity":"' .. quantity_text(market, lots) .. '","aggressor_side":"' .. taker.side
    .. '","maker_order_id":"' .. maker.id .. '","taker_order_id":"' .. taker.id
    .. '","timestamp":"' .. market.timestamp .. '","epoch":"' .. market.steps.epoch .. '"}'
  call('XADD', '{tw}:trades:' .. market.symbol, 'MAXLEN', '~', command.limits.log_trades_max,
    seq, 'event', event)
  call('PUBLISH', 'trade_events', event)
  count_trade(market, taker.side, ticks, lots)
  return seq
end
