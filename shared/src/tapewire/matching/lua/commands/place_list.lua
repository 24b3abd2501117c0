-- place_list: place an order list: two orders of which one cancels the other (core/lists.lua).
--
-- KEYS   1 market:<symbol>
-- ARGV   4 account   5 digest of both orders   6 symbol   7 revision of the instrument
--        8 side      9 quantity in lots        10 stp     11 1: the names of orders and lists that
--        ended are free    12 client_list_id or ''
--        then of each order: client_order_id, order_type, time_in_force, price, post_only,
--        displayed lots, stop price, expire_us, as place: 13 to 20 of the first order, which rests
--        as a post-only limit or waits as a take-profit; 21 to 28 of the second, which is a stop
-- Reply  {0|1, id, {field, value, ...}, id, {field, value, ...}}: 1 = the list was placed before.
-- Errors as place. Both orders are placed, or neither.
-- Events as place.

local FIRST, SECOND = 13, 21

local function read_list_order(market, argv, first)
  local name, order_type, time_in_force, price, post_only, display, stop_price, expire_us =
    unpack(argv, first, first + 7)
  return new_order(market, argv[4], name, argv[5], argv[8], order_type, time_in_force, price,
    argv[9], argv[10], post_only, display, stop_price, '', expire_us)
end

-- The reply for an earlier list with these names; nil without one. The second value is the refusal.
-- The digest is that of both orders with all names.
local function earlier_list(account, digest, reuses, client_list_id, argv)
  local first
  for at, name in ipairs({ client_list_id, argv[FIRST], argv[SECOND] }) do
    local earlier, refusal =
      earlier_placement(at == 1 and 'list' or 'order', account, name, digest, reuses)
    local list_id = earlier and read_order(earlier[2]).list_id
    if refusal or first and list_id and list_id ~= first then
      return nil, 'DUPLICATE_CLIENT_ORDER_ID'
    end
    first = first or list_id
  end
  if not first then return nil end
  local second = integer_text(first + 1)
  return { 1, first, call('HGETALL', order_key(first)), second, call('HGETALL', order_key(second)) }
end

-- The refusal of the second order, placed beside the first; nil for none.
local function second_refusal(command, market, trader, one, other, revision)
  local refusal = market_refusal(market, other, revision)
  if refusal then return refusal end
  if trader.open_orders_max ~= '0'
    and call('ZCARD', open_key(one.account, market.symbol)) + 1 - trader.open_orders_max >= 0 then
    return 'OPEN_ORDERS_LIMIT'
  end
  local beyond = limit_refusal(market, trader, other, 0)
  if beyond then return beyond end
  if command.limits.funds_checked == '1'
    and needed_hold(market, other) > max(0, trader.available) then
    return 'INSUFFICIENT_FUNDS'
  end
end

local function place_list(command, account, digest, symbol, revision, _, _, _, reuses,
    client_list_id)
  local argv = command.argv
  local market, unknown = command_market(command, symbol)
  if not market then return nil, unknown end
  local earlier, duplicate = earlier_list(account, digest, reuses, client_list_id, argv)
  if earlier or duplicate then return earlier, duplicate end
  local one, other = read_list_order(market, argv, FIRST), read_list_order(market, argv, SECOND)
  local refusal, trader = entry_refusal(command, market, one, revision)
  refusal = refusal or second_refusal(command, market, trader, one, other, revision)
  if refusal then return nil, refusal end

  one.client_list_id, other.client_list_id = client_list_id, client_list_id
  one.leads_list, other.covered_units = true, needed_hold(market, one)
  enter_order(command, market, one, trader)
  if client_list_id ~= '' then
    call('SET', client_key('list', account, client_list_id), one.id)
  end
  other.list_id = one.id
  enter_order(command, market, other, trader)
  end_command(command, Outcome.join(one.id, State.write(one)) .. UNIT
    .. Outcome.join(other.id, State.write(other)))
  return { 0, one.id, call('HGETALL', order_key(one.id)), other.id,
    call('HGETALL', order_key(other.id)) }
end
