-- Contract: an open order ends other than by trading: canceled, or its time is over.
-- Writes its record, indexes, queue or stops; the level it leaves when the command ends.

-- Takes an open order out of the queue or the stops.
local function leave_place(market, order)
  if is_waiting(order) then
    call('ZREM', stops_key(market.symbol, order.side), queue_member(order))
  else
    call('ZREM', queue_key(market.symbol, order.side), queue_member(order))
    change_level(market, order.side, order.price, -shown_lots(order))
  end
end

-- Takes an open order out of wherever it waits and ends it.
local function end_order(command, market, order, status, reason)
  leave_place(market, order)
  hold_order(command, market, order, -1)
  order.status, order.reason, order.updated_us = status, reason, market.now
  order.visible = nil
  save_state(command, order)
  unindex_order(command, order)
end
