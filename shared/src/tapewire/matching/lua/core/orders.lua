-- Contract: order records and the indexes that lead to them.
-- Keys   order:<id> (hash): terms, state, and f<seq> for each of its newest fills
--        (tapewire/packed/layout.py): at least ORDER_FILLS_SHOWN_MAX of them; a fee is in units
--        of what the fill brought: base for a buyer, quote for a seller.
--        client_order:<account>:<client_order_id> (string): order id; lives as long as the order.
--        open:<account>:<symbol> (sorted set): open orders, score = order number.
--        expiring (sorted set): open gtd orders, score = expire_us.
--        dead_man (sorted set): account, score = when its timer fires in microseconds.
-- Lifetime: an open order has no expiry; a closed order is kept for closed_kept_s seconds.
-- Terms and state are packed, because Redis searches a small hash from its start for each field.

local EXPIRING = '{tw}:expiring'
local DEAD_MAN = '{tw}:dead_man'

local function order_key(order_id)
  return '{tw}:order:' .. order_id
end

-- The key of a client_order_id (`kind` is 'order') or a client_list_id ('list').
local function client_key(kind, account, name)
  return '{tw}:client_' .. kind .. ':' .. account .. ':' .. name
end

local function open_key(account, symbol)
  return '{tw}:open:' .. account .. ':' .. symbol
end

-- The order as a table; nil if there is no such record.
local function read_order(order_id)
  local record = call('HMGET', order_key(order_id), 'terms', 'state')
  if not record[1] then return nil end
  local order = State.read_into(Terms.read(record[1]), record[2])
  order.id, order.terms, order.state = order_id, record[1], record[2]
  return order
end

-- The fields of the record of an order that was read or written by this command. Only fills, which
-- an order without executed lots does not have, are read from Redis.
local function record_fields(order)
  if order.executed == 0 then return { 'terms', order.terms, 'state', order.state } end
  return call('HGETALL', order_key(order.id))
end

-- Removes the oldest fills of a record, which no answer shows. Without a bound the record of an
-- order that trades for long would grow, and each read of the record would take longer.
local function trim_fills(order_id)
  local key = order_key(order_id)
  -- Two fields are no fills.
  if call('HLEN', key) <= ORDER_FILLS_SHOWN_MAX + 2 then return end
  local seqs = {}
  for _, name in ipairs(call('HKEYS', key)) do
    local seq = name:match('^f(%d+)$')
    if seq then seqs[#seqs + 1] = seq + 0 end
  end
  table.sort(seqs)
  local names = {}
  -- At most 1,000 at a time, because Lua's stack bounds the number of values of unpack.
  for index = 1, min(#seqs - ORDER_FILLS_SHOWN_MAX, 1000) do
    names[index] = 'f' .. integer_text(seqs[index])
  end
  call('HDEL', key, unpack(names))
end

local function is_open(order)
  return order.status == 'new' or order.status == 'partially_filled'
end

-- Whether the order is a stop that has not fired.
local function is_waiting(order)
  return order.stop_price and not order.triggered_us
end

local function may_rest(order)
  return order.time_in_force == 'gtc' or order.time_in_force == 'gtd'
end

-- Lots that may still trade; nil for a market order by quote amount.
local function remaining_lots(order)
  return order.quantity and order.quantity - order.executed - order.prevented
end

-- Lots that the book shows of a resting order.
local function shown_lots(order)
  return order.visible or remaining_lots(order)
end
