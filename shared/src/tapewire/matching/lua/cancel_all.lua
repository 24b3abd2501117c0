-- cancel_all: cancel the open orders of an account, all or those of one symbol, oldest first.
--
-- KEYS   1 instruments
-- ARGV   1 clock_us   2 limits   3 account   4 symbol ('' = all)   5 most orders in this call
--        6 reason
-- Reply  {id, ...} of the orders canceled. As many as ARGV[5]: ask again, there may be more.
-- Errors UNKNOWN_SYMBOL, MARKET_HALTED (the one named; with '' halted markets are passed over).
-- Events book_updates: one per symbol.
-- @include text market book ledger orders standing holds command ending

-- trading, cancel_only, halted or post_only; nil if the symbol is unknown.
local function market_state(symbol)
  local controls = redis.call('HGET', '{tw}:market:' .. symbol, 'controls')
  return controls and string.match(controls, '^[^|]*')
end

local command = begin_command('cancel_all')
local account, left = ARGV[3], tonumber(ARGV[5])
local symbols = { ARGV[4] }
if ARGV[4] == '' then
  symbols = redis.call('SMEMBERS', KEYS[1])
  table.sort(symbols)
else
  local state = market_state(ARGV[4])
  if not state then return redis.error_reply('UNKNOWN_SYMBOL') end
  if state == 'halted' then return redis.error_reply('MARKET_HALTED') end
end

local canceled = {}
for _, symbol in ipairs(symbols) do
  if left == 0 then break end
  local ids = redis.call('ZRANGE', open_key(account, symbol), 0, left - 1)
  if #ids > 0 and market_state(symbol) ~= 'halted' then
    local market = command_market(command, symbol)
    for _, order_id in ipairs(ids) do
      end_order(command, market, read_order(order_id), 'canceled', ARGV[6])
      canceled[#canceled + 1] = order_id
      left = left - 1
    end
  end
end
if #canceled > 0 then end_command(command, table.concat(canceled, ',')) end
return canceled
