-- Contract: an open order ends without a trade: it is canceled, or its time is over.
-- Writes record, indexes, queue or stops at once; the price level at the end of the command.

-- Takes an open order out of the queue or the stops and ends the order and the other order of its
-- list; returns the id of the other order. `cancel_id` is the client's name of the cancel, '' or
-- nil without a name.
local function end_order(command, market, order, status, reason, cancel_id)
  leave_place(market, order)
  hold_order(command, market, order, -1)
  order.status, order.reason, order.updated_us = status, reason, market.now
  order.visible, order.cancel_id = nil, cancel_id or ''
  save_state(command, order)
  unindex_order(command, order)
  if status == 'canceled' then
    return end_partner(command, market, order, status, reason, cancel_id)
  end
  return end_partner(command, market, order, 'expired', 'order_list')
end

-- The open order that its account may cancel now, by order_id or client_order_id (the other is '');
-- nil and the refusal without one.
local function cancelable_order(command, account, order_id, client_order_id)
  if order_id == '' then order_id = call('GET', client_key('order', account, client_order_id)) end
  local order = order_id and read_order(order_id)
  if not order or order.account ~= account then return nil, 'ORDER_NOT_FOUND' end
  if not is_open(order) then return nil, 'ORDER_CLOSED' end
  local market, unknown = command_market(command, order.symbol)
  if not market then return nil, unknown end
  if market.uncross then return nil, 'UNCROSS_PENDING' end
  if market.controls.state == 'halted' then return nil, 'MARKET_HALTED' end
  return order
end
