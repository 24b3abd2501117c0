-- Contract: changes and ends of orders that were open before this command.
-- Keys   as core/orders.lua.

-- Writes the state of an order that was open before; `seq` and `fill` are its trade, nil without
-- one.
local function save_state(command, order, seq, fill)
  local state = State.write(order)
  order.state = state
  if seq then
    call('HSET', order_key(order.id), 'state', state, 'f' .. seq, fill)
    if seq % ORDER_FILLS_TRIM_TRADES == 0 then trim_fills(order.id) end
    note_change(command, order, '', state, seq .. ',' .. fill, 1)
  else
    call('HSET', order_key(order.id), 'state', state)
    -- An order that neither traded nor ended has lost lots to self-trade prevention.
    note_change(command, order, is_open(order) and 'amended' or '', state, '', 0)
  end
end

-- Lets the records of a closed order expire after closed_kept_s.
local function forget_later(command, order)
  call('EXPIRE', order_key(order.id), command.limits.closed_kept_s)
  if order.client_order_id ~= '' then
    call('EXPIRE', client_key('order', order.account, order.client_order_id),
      command.limits.closed_kept_s)
  end
  -- The name of a list is that of its first order.
  if order.client_list_id ~= '' and order.id == order.list_id then
    call('EXPIRE', client_key('list', order.account, order.client_list_id),
      command.limits.closed_kept_s)
  end
end

-- Removes an order that was open from the indexes; its record stays for closed_kept_s.
local function unindex_order(command, order)
  call('ZREM', open_key(order.account, order.symbol), order.id)
  if order.expire_us then call('ZREM', EXPIRING, order.id) end
  forget_later(command, order)
end
