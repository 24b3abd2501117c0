-- cancel_all: cancel the open orders of an account, all or those of one symbol, oldest first.
--
-- KEYS   1 instruments
-- ARGV   4 account   5 symbol ('' = all)   6 most orders in this call   7 reason
-- Reply  {id, ...} of the orders canceled. As many as ARGV[6]: ask again, there may be more.
-- Errors UNKNOWN_SYMBOL, MARKET_HALTED (the one named; with '' halted markets are passed over),
--        UNCROSS_PENDING (a market that has orders of the account uncrosses).
-- Events book_updates: one per symbol; account_events.

-- The symbols that the command may touch, or nil and the refusal.
local function symbols_to_cancel(account, symbol)
  if symbol == '' then
    -- Few markets have such work, most of the time none.
    for _, name in ipairs(call('SMEMBERS', FIRING)) do
      if is_uncrossing(name) and call('EXISTS', open_key(account, name)) == 1 then
        return nil, 'UNCROSS_PENDING'
      end
    end
    local symbols = call('SMEMBERS', '{tw}:instruments')
    table.sort(symbols)
    return symbols
  end
  local mode = market_mode(symbol)
  if not mode then return nil, 'UNKNOWN_SYMBOL' end
  if mode == 'halted' then return nil, 'MARKET_HALTED' end
  if is_uncrossing(symbol) then return nil, 'UNCROSS_PENDING' end
  return { symbol }
end

local function cancel_all(command, account, symbol, orders_max, reason)
  local symbols, refusal = symbols_to_cancel(account, symbol)
  if not symbols then return nil, refusal end
  local canceled, left = {}, tonumber(orders_max)
  for _, name in ipairs(symbols) do
    if left == 0 then break end
    local ids = call('ZRANGE', open_key(account, name), 0, left - 1)
    if #ids > 0 and market_mode(name) ~= 'halted' then
      local market = command_market(command, name)
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
