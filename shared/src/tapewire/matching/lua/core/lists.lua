-- Contract: order lists: two orders of one account and market of which one cancels the other.
-- Keys   as core/orders.lua. The list has the id of its first order, and the second order has the
--        next number. The second order is a stop.
-- When one of the two trades, fires, loses lots or ends, the other one ends in the same step.
-- Both together hold the larger need: the second order, while it waits, holds only the difference.

-- The other order of a list if it is open; nil otherwise.
local function open_partner(order)
  if order.list_id == '' then return nil end
  local is_first = order.id == order.list_id
  local partner = read_order(is_first and integer_text(order.id + 1) or order.list_id)
  if partner and partner.list_id == order.list_id and is_open(partner) then return partner end
end

-- Takes an open order out of the queue or the stops.
local function leave_place(market, order)
  if is_waiting(order) then
    call('ZREM', stops_key(market.symbol, trigger_side(order)), queue_member(order))
  else
    call('ZREM', queue_key(market.symbol, order.side), queue_member(order))
    change_level(market, order.side, order.price, -shown_lots(order))
  end
end

-- Ends the other order of a list and returns its id; nil if it is not open. The ended order counts
-- as a maker of the command, because it lengthens the messages as a maker does.
local function end_partner(command, market, order, status, reason, cancel_id)
  local partner = open_partner(order)
  if not partner then return nil end
  command.makers_met = command.makers_met + 1
  leave_place(market, partner)
  hold_order(command, market, partner, -1)
  partner.status, partner.reason, partner.updated_us = status, reason, market.now
  partner.visible, partner.cancel_id = nil, cancel_id or ''
  save_state(command, partner)
  unindex_order(command, partner)
  return partner.id
end
