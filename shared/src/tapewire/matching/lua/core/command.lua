-- Contract: the parts that all commands share: clock, limits, markets, journal entry.
-- Keys   last_order_id (string): the number of the newest order or priority.
--        last_command (string): the number of the newest entry in the journal.
--        journal (stream): every accepted command, entry id = its number, which grows by one;
--        fields 'op', 'clock', 'limits', 'args', 'result'; bounded. Run again in order with the
--        same clock and limits, the commands give the same results and state.

-- The journal keeps the arguments from this number on.
local FIRST_ARGUMENT = 4

-- The clock of a command. `wanted` is '' (the clock of Redis), a time (tests, replays), or '~time':
-- the clock of Redis, nil if it is more than CLOCK_JUMP_US_MAX before or after that time.
local function command_clock(wanted)
  if wanted == '' then return redis_clock() end
  local about = match_text(wanted, '^~(%d+)$')
  if not about then return wanted end
  local clock = redis_clock()
  if math.abs(clock - about) <= CLOCK_JUMP_US_MAX then return clock end
end

-- `argv` has the wanted clock second, and packed CommandLimits third. Nil if the clock of Redis is
-- outside the times that the caller accepts.
local function begin_command(op, argv)
  local clock, limits = command_clock(argv[2]), argv[3]
  if not clock then return nil end
  return {
    op = op,
    -- The time of a market comes from the clock and never runs back (read_market).
    clock_us = clock,
    limits_text = limits,
    limits = known_limits(limits),
    argv = argv,
    -- Makers met by all takers of the command: one budget, limits.fills_max. Makers that its
    -- fill-or-kill orders counted beforehand have a second budget of the same size.
    makers_met = 0, makers_counted = 0,
    -- Account -> its changes (core/ledger.lua), and the same in the order of first touch.
    entries = {},
    touched = { nil, nil, nil, nil },
    -- Symbol -> market, and the markets in the order of first use.
    markets = {},
    used_markets = { nil },
    epoch = nil,
    now = nil,
  }
end

-- The market of a symbol, read once per command; nil and the refusal for an unknown or broken one.
local function command_market(command, symbol)
  local market = command.markets[symbol]
  if not market then
    local is_read
    is_read, market = pcall(read_market, symbol, command.clock_us)
    if not is_read then
      mark_broken(symbol, command.clock_us, command.op, market)
      return nil, 'MARKET_BROKEN ' .. symbol
    end
    if not market then return nil, 'UNKNOWN_SYMBOL' end
    command.markets[symbol] = market
    command.used_markets[#command.used_markets + 1] = market
    command.epoch, command.now = market.steps.epoch, market.now
  end
  return market
end

-- A new order number, larger than all before.
local function next_number()
  return call('INCR', '{tw}:last_order_id')
end

-- Writes the changes of a market; returns its position after the command.
local function write_market(command, market)
  announce_book(market)
  if market.traded then record_candle(command, market) end
  local seq, book_seq = integer_text(market.seq), integer_text(market.book_seq)
  call('HSET', market.key, 'state', MarketState.join(seq, book_seq, market.last_price, market.now))
  return Position.join(market.symbol, seq, book_seq)
end

-- Writes the gathered changes. `result` goes into the journal; a replay must give the same result.
local function end_command(command, result)
  for _, entry in ipairs(command.touched) do write_account(command, entry) end
  for _, market in ipairs(command.used_markets) do
    result = result .. UNIT .. write_market(command, market)
  end
  call('XADD', '{tw}:journal', 'MAXLEN', '~', command.limits.journal_max,
    call('INCR', '{tw}:last_command'), 'op', command.op, 'clock', command.clock_us,
    'limits', command.limits_text, 'args', table.concat(command.argv, UNIT, FIRST_ARGUMENT),
    'result', result)
end
