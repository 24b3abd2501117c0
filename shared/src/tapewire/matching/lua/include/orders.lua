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

local EXPIRING = '{tw}:expiring'

local function order_key(order_id)
  return '{tw}:order:' .. order_id
end

local function client_order_key(account, client_order_id)
  return '{tw}:client_order:' .. account .. ':' .. client_order_id
end

local function open_key(account, symbol)
  return '{tw}:open:' .. account .. ':' .. symbol
end

-- `created`, `updated` and the fees are text, as they are kept: few commands compute with them.
local function terms_text(order)
  return (order.quantity and integer_text(order.quantity) or '') .. '|' .. order.account .. '|'
    .. order.client_order_id .. '|' .. (order.expire_us and integer_text(order.expire_us) or '')
    .. '|' .. (order.display and integer_text(order.display) or '') .. '|'
    .. (order.price and integer_text(order.price) or '') .. '|' .. integer_text(order.priority)
    .. '|' .. order.symbol .. '|' .. order.side .. '|' .. order.order_type .. '|'
    .. order.time_in_force .. '|' .. order.created .. '|' .. order.stp .. '|'
    .. order.post_only .. '|' .. (order.stop_price and integer_text(order.stop_price) or '') .. '|'
    .. (order.quote_limit and integer_text(order.quote_limit) or '') .. '|'
    .. order.maker_fee_ppm .. '|' .. order.taker_fee_ppm .. '|' .. order.digest
end

local function state_text(order)
  return order.status .. '|' .. integer_text(order.executed) .. '|' .. integer_text(order.notional)
    .. '|' .. order.updated .. '|' .. integer_text(order.prevented) .. '|'
    .. (order.visible and integer_text(order.visible) or '') .. '|'
    .. (order.triggered_us and integer_text(order.triggered_us) or '') .. '|' .. order.reason
end

local function is_open(order)
  return order.status == 'new' or order.status == 'partially_filled'
end

-- Lots that may still trade; nil for a market order by quote amount.
local function remaining_lots(order)
  return order.quantity and order.quantity - order.executed - order.prevented
end

-- Lots that the book shows of a resting order.
local function shown_lots(order)
  return order.visible or remaining_lots(order)
end
