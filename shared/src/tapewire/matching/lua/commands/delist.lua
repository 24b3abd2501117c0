-- delist: take an instrument off the list. Its market is halted, and every order in it is canceled.
--
-- One call cancels up to ARGV[5] orders. As long as orders are left, the market is halted and the
-- instrument stays listed. The call that finds no more orders takes the instrument off the list.
-- Its record, trades, candles and fills stay. `instruments` can list it again; seq then continues.
--
-- KEYS   1 market:<symbol>
-- ARGV   4 symbol   5 most orders in this call
-- Reply  {orders canceled, 1 if the instrument is still listed (call again), else 0}
-- Errors UNKNOWN_SYMBOL, MARKET_BROKEN <symbol>, UNCROSS_PENDING (fire_stops, then ask again).
-- Events market_events, when the market is halted and when the instrument is taken off the list;
--        book_updates; account_events.
-- Keys   delisted (set): the symbols that were listed before.

-- Halts the market, unless it is.
local function halt(market)
  if market.controls.state == 'halted' then return end
  Auction.note_state(market, 'halted')
  local controls = Controls.read(call('HGET', market.key, 'controls'))
  controls.state = 'halted'
  local text = Controls.write(controls)
  call('HSET', market.key, 'controls', text)
  market.controls = known_controls(text)
  publish_market(market.symbol, 'halted', 'state', market.timestamp, market.steps.epoch)
end

-- Every index in which orders of the market wait.
local function order_indexes(symbol)
  return queue_key(symbol, 'buy'), queue_key(symbol, 'sell'), stops_key(symbol, 'buy'),
    stops_key(symbol, 'sell')
end

-- Cancels up to `left` orders; returns their ids.
local function cancel_orders(command, market, left)
  local canceled = {}
  for _, key in ipairs({ order_indexes(market.symbol) }) do
    if left - #canceled <= 0 then break end
    for _, member in ipairs(call('ZRANGE', key, 0, left - #canceled - 1)) do
      local order = read_order(member_order(member))
      -- The other order of its list may have ended it.
      if is_open(order) then
        canceled[#canceled + 1] = order.id
        canceled[#canceled + 1] = end_order(command, market, order, 'canceled', 'delisted')
      end
    end
  end
  return canceled
end

-- Takes an instrument without orders off the list.
local function take_off_list(market)
  note_waiting(market, false)
  local controls = Controls.read(call('HGET', market.key, 'controls'))
  controls.state, controls.revision = 'delisted', integer_text(controls.revision + 1)
  call('HSET', market.key, 'controls', Controls.write(controls))
  call('SREM', '{tw}:instruments', market.symbol)
  call('SADD', '{tw}:delisted', market.symbol)
end

local function delist(command, symbol, orders_max)
  local market, unknown = command_market(command, symbol)
  if not market then return nil, unknown end
  if market.uncross then return nil, 'UNCROSS_PENDING' end
  halt(market)
  local canceled = cancel_orders(command, market, tonumber(orders_max))
  local is_listed = call('EXISTS', order_indexes(symbol)) > 0
  if not is_listed then take_off_list(market) end
  end_command(command, table.concat(canceled, ','))
  -- Clients of the feed first learn that the book is empty.
  if not is_listed then
    publish_market(symbol, 'halted', 'delisted', market.timestamp, market.steps.epoch)
  end
  return { #canceled, is_listed and 1 or 0 }
end
