-- cancel_all: cancel the open orders of an account, all or those of one symbol, oldest first.
--
-- KEYS   1 instruments
-- ARGV   4 account   5 symbol ('' = all)   6 most orders in this call   7 reason
-- Reply  {id, ...} of the canceled orders. With at least ARGV[6] ids more orders may be open: call
--        again.
-- Errors UNKNOWN_SYMBOL, MARKET_BROKEN, MARKET_HALTED (of the named symbol; with '' halted and
--        broken markets are passed over), UNCROSS_PENDING (a market that has orders of the account
--        uncrosses).
-- Events book_updates: one per symbol; account_events.

-- The symbols that the command may touch, or nil and the refusal.
local function symbols_to_cancel(command, account, symbol)
  if symbol == '' then
    -- The set FIRING is small, and mostly empty.
    for _, name in ipairs(call('SMEMBERS', FIRING)) do
      if is_uncrossing(name) and call('EXISTS', open_key(account, name)) == 1 then
        return nil, 'UNCROSS_PENDING'
      end
    end
    local symbols = call('SMEMBERS', '{tw}:instruments')
    table.sort(symbols)
    return symbols
  end
  local market, unknown = command_market(command, symbol)
  if not market then return nil, unknown end
  if market.controls.state == 'halted' then return nil, 'MARKET_HALTED' end
  if market.uncross then return nil, 'UNCROSS_PENDING' end
  return { symbol }
end

local function cancel_all(command, account, symbol, orders_max, reason)
  local symbols, refusal = symbols_to_cancel(command, account, symbol)
  if not symbols then return nil, refusal end
  local canceled, left = {}, tonumber(orders_max)
  for _, name in ipairs(symbols) do
    if left == 0 then break end
    local ids = call('ZRANGE', open_key(account, name), 0, left - 1)
    local market = #ids > 0 and command_market(command, name)
    if market and market.controls.state ~= 'halted' then
      for _, order_id in ipairs(ids) do
        local order = read_order(order_id)
        -- The second order of a list has ended with the first one, and is named with it.
        if is_open(order) then
          canceled[#canceled + 1] = order_id
          canceled[#canceled + 1] = end_order(command, market, order, 'canceled', reason)
        end
      end
      left = left - #ids
    end
  end
  if #canceled > 0 then end_command(command, table.concat(canceled, ',')) end
  return canceled
end
