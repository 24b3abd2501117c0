-- Contract: orders that were open before this command: read, changed, taken out of the indexes.
-- Keys   as include/orders.lua.

-- The order as a table; nil if there is no such record.
local function read_order(order_id)
  local record = redis.call('HMGET', order_key(order_id), 'terms', 'state')
  if not record[1] then return nil end
  local terms_pattern = '^(%d*)|([^|]*)|([^|]*)|(%d*)|(%d*)|(%d*)|(%d+)|([^|]*)|([^|]*)|([^|]*)'
    .. '|([^|]*)|(%d+)|([^|]*)|([^|]*)|(%d*)|(%d*)|(%d+)|(%d+)|(.*)$'
  local quantity, account, client_order_id, expire_us, display, price, priority, symbol, side,
    order_type, time_in_force, created, stp, post_only, stop_price, quote_limit, maker_fee_ppm,
    taker_fee_ppm, digest = string.match(record[1], terms_pattern)
  local status, executed, notional, updated, prevented, visible, triggered_us, reason =
    string.match(record[2], '^([^|]*)|(%d+)|(%d+)|(%d+)|(%d+)|(%d*)|(%d*)|(.*)$')
  return {
    id = order_id, terms = record[1], quantity = quantity ~= '' and quantity + 0 or nil,
    account = account, client_order_id = client_order_id,
    expire_us = expire_us ~= '' and expire_us + 0 or nil,
    display = display ~= '' and display + 0 or nil, price = price ~= '' and price + 0 or nil,
    priority = priority + 0, symbol = symbol, side = side, order_type = order_type,
    time_in_force = time_in_force, created = created, stp = stp, post_only = post_only,
    stop_price = stop_price ~= '' and stop_price + 0 or nil,
    quote_limit = quote_limit ~= '' and quote_limit + 0 or nil, maker_fee_ppm = maker_fee_ppm,
    taker_fee_ppm = taker_fee_ppm, digest = digest, status = status, executed = executed + 0,
    notional = notional + 0, updated = updated, prevented = prevented + 0,
    visible = visible ~= '' and visible + 0 or nil,
    triggered_us = triggered_us ~= '' and triggered_us + 0 or nil, reason = reason,
  }
end

-- Writes the state of an order that was open before; `seq` and `fill` are its trade, if it is one.
local function save_state(command, order, seq, fill)
  local state = state_text(order)
  if seq then
    redis.call('HSET', order_key(order.id), 'state', state, 'f' .. seq, fill)
    note_change(command, order, '', state, seq .. ',' .. fill, 1)
  else
    redis.call('HSET', order_key(order.id), 'state', state)
    -- An order that neither traded nor ended has lost lots to self-trade prevention.
    note_change(command, order, is_open(order) and 'amended' or '', state, '', 0)
  end
end

-- Takes an order that was open out of the indexes; its record stays for a while.
local function unindex_order(order, closed_kept_s)
  redis.call('ZREM', open_key(order.account, order.symbol), order.id)
  if order.expire_us then redis.call('ZREM', EXPIRING, order.id) end
  redis.call('EXPIRE', order_key(order.id), closed_kept_s)
  if order.client_order_id ~= '' then
    redis.call('EXPIRE', client_order_key(order.account, order.client_order_id), closed_kept_s)
  end
end
