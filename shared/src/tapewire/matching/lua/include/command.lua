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

local function begin_command(op)
  local fills_max, closed_kept_s, log_trades_max, journal_max, stops_max, funds_checked =
    string.match(ARGV[2], '^(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|(%d)$')
  return {
    op = op,
    -- The clock as it was read; each market makes its own time of it, which never runs back.
    clock_us = ARGV[1] ~= '' and ARGV[1] or integer_text(read_clock('')),
    fills_max = fills_max + 0,
    closed_kept_s = closed_kept_s,
    log_trades_max = log_trades_max,
    journal_max = journal_max,
    stops_max = stops_max + 0,
    funds_checked = funds_checked == '1',
    -- Account -> what changes of it (include/ledger.lua); the first and the last of them.
    ledger = {},
    first_entry = nil,
    last_entry = nil,
    -- What was read of the account whose order came in (include/risk.lua).
    trader = nil,
    -- Symbol -> market; the first and the last of them, which form a chain.
    markets = {},
    first_market = nil,
    last_market = nil,
    epoch = nil,
    now = nil,
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
    if command.last_market then
      command.last_market.following = market
    else
      command.first_market = market
    end
    command.last_market = market
    command.epoch, command.now = market.epoch, market.now
  end
  return market
end

-- A new order number, larger than all before.
local function next_number(command)
  local number = redis.call('INCR', '{tw}:last_order_id')
  command.number = command.number or number
  return number
end

-- Writes what the command has gathered; `result` is what a replay must give again.
local function end_command(command, result)
  local entry, market = command.first_entry, command.first_market
  while entry do
    if entry.fills then
      redis.call('XADD', '{tw}:fills:' .. entry.account, 'MAXLEN', '~', 10000, command.number,
        'fills', table.concat(entry.fills, ';'))
    end
    write_account(command, entry)
    entry = entry.following
  end
  while market do
    announce_book(market)
    if market.traded then
      -- @include candles
      record_candle(market, market.traded)
    end
    local seq, book_seq = integer_text(market.seq), integer_text(market.book_seq)
    redis.call('HSET', market.key, 'state', seq .. '|' .. book_seq .. '|' .. market.last_price
      .. '|' .. market.now)
    result = result .. '\31' .. market.symbol .. '|' .. seq .. '|' .. book_seq
    market = market.following
  end
  redis.call('XADD', '{tw}:journal', 'MAXLEN', '~', command.journal_max,
    redis.call('INCR', '{tw}:last_command'), 'op', command.op, 'clock', command.clock_us,
    'limits', ARGV[2], 'args', table.concat(ARGV, '\31', 3), 'result', result)
end
