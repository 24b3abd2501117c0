-- replace: cancel an order and place another one in its market, in one atomic step.
--
-- The cancel is done first, so that the units that it releases pay for the new order. The new order
-- is placed if the cancel was done; with mode allow_failure also if the cancel was refused. A
-- refused new order does not undo the cancel.
--
-- KEYS   1 market:<symbol>
-- ARGV   4 to 20 the new order, as place   21 order to cancel ('' with 22)   22 its
--        client_order_id   23 mode: stop_on_failure|allow_failure
--        24 name of the cancel ('' = none)
-- Reply  {{code, id, {field, value, ...}}, {code, 0|1, id, {field, value, ...}}}: the cancel and
--        the placement. The code is '' for a part that was done; a refused part has only its error
--        code. NOT_ATTEMPTED: the order was not placed, because the cancel was refused. 1 = the new
--        order was placed before; then the command does nothing, and the reply has the earlier
--        outcome of the cancel.
-- Errors UNKNOWN_SYMBOL, STALE_INSTRUMENT, UNCROSS_PENDING, STOPS_PENDING, UNKNOWN_ACCOUNT: nothing
--        is done.
-- Codes  of the cancel as cancel, and of the placement as place. An order of another market is
--        ORDER_NOT_FOUND.
-- Events as place.

local DONE = ''

-- The order to cancel, open or closed; nil without one.
local function find_target(account, order_id, client_order_id)
  if order_id == '' then order_id = call('GET', client_key('order', account, client_order_id)) end
  local target = order_id and read_order(order_id)
  return target and target.account == account and target or nil
end

-- The reply if the new order was placed before.
local function repeated_reply(target, earlier)
  local canceled = { 'ORDER_NOT_FOUND' }
  if target and target.status == 'canceled' then
    canceled = { DONE, target.id, call('HGETALL', order_key(target.id)) }
  elseif target then
    canceled = { is_open(target) and 'NOT_ATTEMPTED' or 'ORDER_CLOSED' }
  end
  return { canceled, { DONE, unpack(earlier) } }
end

-- The order to cancel if it is open and of this market; nil and the refusal without one.
local function target_or_refusal(command, market, target)
  if not target or target.symbol ~= market.symbol then return nil, 'ORDER_NOT_FOUND' end
  return cancelable_order(command, target.account, target.id, '')
end

local function replace(command, account, client_order_id, digest, symbol, revision, side,
    order_type, time_in_force, price, quantity, stp, post_only, display, stop_price, quote_limit,
    expire_us, reuses, target_id, target_client_order_id, mode, cancel_id)
  local market, unknown = command_market(command, symbol)
  if not market then return nil, unknown end
  local target = find_target(account, target_id, target_client_order_id)
  local earlier = earlier_placement('order', account, client_order_id, digest, reuses)
  if earlier and not (target and earlier[2] == target.id) then
    return repeated_reply(target, earlier)
  end
  local controls = market.controls
  if revision ~= controls.revision then return nil, 'STALE_INSTRUMENT' end
  if market.uncross then return nil, 'UNCROSS_PENDING' end
  if market.is_firing and controls.state == 'trading' then return nil, 'STOPS_PENDING' end
  if call('EXISTS', account_key(account)) == 0 then return nil, 'UNKNOWN_ACCOUNT' end

  local canceled, cancel_refusal = target_or_refusal(command, market, target)
  local place_refusal, trader, fields, state
  local order = new_order(market, account, client_order_id, digest, side, order_type,
    time_in_force, price, quantity, stp, post_only, display, stop_price, quote_limit, expire_us)
  if canceled then
    end_order(command, market, canceled, 'canceled', 'user', cancel_id)
  elseif mode ~= 'allow_failure' then
    place_refusal = 'NOT_ATTEMPTED'
  end
  if not place_refusal then
    local placed, duplicate = earlier_placement('order', account, client_order_id, digest, reuses)
    place_refusal = duplicate or placed and 'DUPLICATE_CLIENT_ORDER_ID'
  end
  if not place_refusal then
    place_refusal, trader = entry_refusal(command, market, order, revision)
  end
  if not place_refusal then
    fields, state = enter_and_fire(command, market, order, trader)
  end

  local result, reply = '', { { cancel_refusal }, { place_refusal } }
  if canceled then
    result = Outcome.join(canceled.id, canceled.state)
    reply[1] = { DONE, canceled.id, record_fields(canceled) }
  end
  if not place_refusal then
    result = result .. UNIT .. Outcome.join(order.id, state)
    reply[2] = { DONE, 0, order.id, fields }
  end
  if canceled or not place_refusal then end_command(command, result) end
  return reply
end
