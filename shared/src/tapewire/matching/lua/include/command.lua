-- Contract: what every command has in common: its limits, its markets, its number, its end.
-- Keys   last_order_id (string): the number of the newest order; priorities come from it too.
--        fills:<account> (stream): one entry per account and command that traded, entry id =
--        command number; field 'fills' = order_id,symbol,side,seq,ticks,lots,m|t,time_us,fee_units
--        ';' ...
--        last_command (string): the number of the newest entry in the journal.
--        journal (stream): every accepted command, entry id = its number, which grows by one;
--        fields 'op', 'clock', 'limits', 'args' (ARGV from 3 on), 'result'; bounded. Run again in
--        order with the same clock and limits, the commands give the same results and state.
-- Limits ARGV[2] = fills_max|closed_kept_s|log_trades_max|journal_max|stops_max|funds_checked.

local LIMITS_PATTERN = '^(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|(%d)$'
local HISTORY_FILLS_MAX = 10000
local SEPARATOR = '\31'

local function begin_command(op)
  local fills_max, closed_kept_s, log_trades_max, journal_max, stops_max, funds_checked =
    string.match(ARGV[2], LIMITS_PATTERN)
  return {
    op = op,
    -- The clock as it was read; each market makes its own time of it, which never runs back.
    clock_us = integer_text(read_clock(ARGV[1])),
    fills_max = tonumber(fills_max),
    closed_kept_s = closed_kept_s,
    log_trades_max = log_trades_max,
    journal_max = journal_max,
    stops_max = tonumber(stops_max),
    funds_checked = funds_checked == '1',
    ledger = {},
    touched = {},
    markets = {},
    order_of_markets = {},
    fills = {},
    accounts = {},
    number = nil,
  }
end

-- The market of a symbol, read once per command; nil if it is unknown.
local function command_market(command, symbol)
  local market = command.markets[symbol]
  if not market then
    market = load_market(symbol, command.clock_us)
    if not market then return nil end
    command.markets[symbol] = market
    command.order_of_markets[#command.order_of_markets + 1] = market
    command.epoch, command.now = market.epoch, market.now
  end
  return market
end

-- A new order number, larger than all before.
local function next_number(command)
  local number = redis.call('INCR', PREFIX .. 'last_order_id')
  command.number = command.number or number
  return number
end

-- Writes what the command has gathered; `result` is what a replay must give again.
local function end_command(command, result)
  for _, account in ipairs(command.accounts) do
    local key = PREFIX .. 'fills:' .. account
    redis.call('XADD', key, 'MAXLEN', '~', HISTORY_FILLS_MAX, integer_text(command.number),
      'fills', table.concat(command.fills[account], ';'))
    redis.call('EXPIRE', key, command.closed_kept_s)
  end
  for _, entry in ipairs(command.touched) do write_account(command, entry) end
  local parts = { result }
  for _, market in ipairs(command.order_of_markets) do
    announce_book(market)
    if market.trades > 0 then
      record_candle(market, market.first_ticks, market.traded_lots, market.traded_notional,
        market.trades)
    end
    save_market(market)
    parts[#parts + 1] = market.symbol .. '|' .. integer_text(market.seq) .. '|'
      .. integer_text(market.book_seq)
  end
  redis.call('XADD', PREFIX .. 'journal', 'MAXLEN', '~', command.journal_max,
    redis.call('INCR', PREFIX .. 'last_command'), 'op', command.op, 'clock', command.clock_us,
    'limits', ARGV[2], 'args', table.concat(ARGV, SEPARATOR, 3),
    'result', table.concat(parts, SEPARATOR))
end
