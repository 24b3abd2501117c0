-- Contract: order records and the indexes that lead to them.
-- Keys   order:<id> (hash):
--        terms = quantity|account|client_order_id|expire_us|display|price|priority|symbol|side|
--                order_type|time_in_force|created_us|stp|post_only|stop_price|quote_limit|
--                maker_fee_ppm|taker_fee_ppm|digest;
--        state = status|executed|notional|updated_us|prevented|visible|triggered_us|reason
--                (lots; notional in ticks x lots; visible only while an iceberg rests);
--        f<seq> = ticks,lots,m|t,time_us,fee_units: one per fill, m as maker, t as taker; the fee
--                in units of what the fill brought: base for a buyer, quote for a seller.
--        client_order:<account>:<client_order_id> (string): order id; lives as long as the order.
--        open:<account>:<symbol> (sorted set): open orders, score = order number.
--        orders:<account> (stream): every order, entry id = order number; bounded.
--        expiring (sorted set): open gtd orders, score = expire_us.
-- Lifetime: an open order has no expiry; a closed one is kept for closed_kept_s seconds.
-- Two packed fields and not two dozen: Redis searches a small hash from its start for each field.

local UNPACK_MAX = 1000
local HISTORY_ORDERS_MAX = 10000
local TERMS_PATTERN = '^(%d*)|([^|]*)|([^|]*)|(%d*)|(%d*)|(%d*)|(%d+)|([^|]*)|([^|]*)|([^|]*)'
  .. '|([^|]*)|(%d+)|([^|]*)|([^|]*)|(%d*)|(%d*)|(%d+)|(%d+)|(.*)$'
local STATE_PATTERN = '^([^|]*)|(%d+)|(%d+)|(%d+)|(%d+)|(%d*)|(%d*)|(.*)$'
local EXPIRING = PREFIX .. 'expiring'

local function order_key(order_id)
  return PREFIX .. 'order:' .. order_id
end

local function client_order_key(account, client_order_id)
  return PREFIX .. 'client_order:' .. account .. ':' .. client_order_id
end

local function open_key(account, symbol)
  return PREFIX .. 'open:' .. account .. ':' .. symbol
end

local function optional_text(number)
  return number and integer_text(number) or ''
end

local function terms_text(order)
  return table.concat({ optional_text(order.quantity), order.account, order.client_order_id,
    optional_text(order.expire_us), optional_text(order.display), optional_text(order.price),
    integer_text(order.priority), order.symbol, order.side, order.order_type,
    order.time_in_force, integer_text(order.created_us), order.stp, order.post_only,
    optional_text(order.stop_price), optional_text(order.quote_limit),
    integer_text(order.maker_fee_ppm), integer_text(order.taker_fee_ppm), order.digest }, '|')
end

local function state_text(order)
  return table.concat({ order.status, integer_text(order.executed), integer_text(order.notional),
    integer_text(order.updated_us), integer_text(order.prevented), optional_text(order.visible),
    optional_text(order.triggered_us), order.reason }, '|')
end

-- The order as a table; nil if there is no such record.
local function read_order(order_id)
  local record = redis.call('HMGET', order_key(order_id), 'terms', 'state')
  if not record[1] then return nil end
  local order = { id = order_id, terms = record[1] }
  local quantity, expire_us, display, price, priority, created_us, stop_price, quote_limit
  local maker_fee_ppm, taker_fee_ppm
  quantity, order.account, order.client_order_id, expire_us, display, price, priority,
    order.symbol, order.side, order.order_type, order.time_in_force, created_us, order.stp,
    order.post_only, stop_price, quote_limit, maker_fee_ppm, taker_fee_ppm, order.digest =
    string.match(record[1], TERMS_PATTERN)
  order.quantity, order.expire_us, order.display = tonumber(quantity), tonumber(expire_us),
    tonumber(display)
  order.price, order.priority, order.created_us = tonumber(price), tonumber(priority),
    tonumber(created_us)
  order.stop_price, order.quote_limit = tonumber(stop_price), tonumber(quote_limit)
  order.maker_fee_ppm, order.taker_fee_ppm = tonumber(maker_fee_ppm), tonumber(taker_fee_ppm)
  local executed, notional, updated_us, prevented, visible, triggered_us
  order.status, executed, notional, updated_us, prevented, visible, triggered_us, order.reason =
    string.match(record[2], STATE_PATTERN)
  order.executed, order.notional, order.updated_us = tonumber(executed), tonumber(notional),
    tonumber(updated_us)
  order.prevented, order.visible, order.triggered_us = tonumber(prevented), tonumber(visible),
    tonumber(triggered_us)
  return order
end

local function is_open(order)
  return order.status == 'new' or order.status == 'partially_filled'
end

-- A stop order that waits for its trigger: in no queue, on no level.
local function is_waiting(order)
  return order.stop_price and not order.triggered_us
end

-- Lots that may still trade; nil for a market order by quote amount.
local function remaining_lots(order)
  return order.quantity and order.quantity - order.executed - order.prevented
end

-- Lots that the book shows of a resting order.
local function shown_lots(order)
  return order.visible or remaining_lots(order)
end

-- The state among the fields of a record, which Redis gives in any order.
local function state_of(fields)
  for index = 1, #fields, 2 do
    if fields[index] == 'state' then return fields[index + 1] end
  end
end

-- HSET in chunks: Lua's stack bounds what unpack may return.
local function write_fields(key, fields)
  for first = 1, #fields, UNPACK_MAX do
    redis.call('HSET', key, unpack(fields, first, math.min(first + UNPACK_MAX - 1, #fields)))
  end
end

local NO_FILLS = {}

-- Writes the state of an order that was open before; `seq` and `fill` are its trade, if it is one.
local function save_state(command, order, seq, fill)
  local state = state_text(order)
  if seq then
    redis.call('HSET', order_key(order.id), 'state', state, 'f' .. seq, fill)
    note_change(command, order, '', state, { seq .. ',' .. fill })
  else
    redis.call('HSET', order_key(order.id), 'state', state)
    -- An order that neither traded nor ended has lost lots to self-trade prevention.
    note_change(command, order, is_open(order) and 'amended' or '', state, NO_FILLS)
  end
end

-- Enters a new order into the indexes; one that ended at once goes into the history only.
local function index_order(order, closed_kept_s)
  local history = PREFIX .. 'orders:' .. order.account
  redis.call('XADD', history, 'MAXLEN', '~', HISTORY_ORDERS_MAX, order.id, 'symbol', order.symbol)
  redis.call('EXPIRE', history, closed_kept_s)
  if order.client_order_id ~= '' then
    redis.call('SET', client_order_key(order.account, order.client_order_id), order.id)
  end
  if is_open(order) then
    redis.call('ZADD', open_key(order.account, order.symbol), order.id, order.id)
    if order.expire_us then
      redis.call('ZADD', EXPIRING, integer_text(order.expire_us), order.id)
    end
  end
end

-- A closed record leaves memory after a while, with the id that leads to it.
local function expire_record(order, closed_kept_s)
  redis.call('EXPIRE', order_key(order.id), closed_kept_s)
  if order.client_order_id ~= '' then
    redis.call('EXPIRE', client_order_key(order.account, order.client_order_id), closed_kept_s)
  end
end

-- Takes an order that was open out of the indexes; its record stays for a while.
local function unindex_order(order, closed_kept_s)
  redis.call('ZREM', open_key(order.account, order.symbol), order.id)
  if order.expire_us then redis.call('ZREM', EXPIRING, order.id) end
  expire_record(order, closed_kept_s)
end
