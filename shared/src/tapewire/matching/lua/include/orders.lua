-- Contract: order records and how they end.
-- Keys   order:<id> (hash): the order; one field f<seq> per fill, 'price,lots,m|t,time_us'.
--        client_order:<account>:<client order id> (string): order id; lives as long as the order.
-- Lifetime: an open order has no expiry; a closed one is kept for closed_kept_s seconds.

local UNPACK_MAX = 1000

local function order_key(order_id)
  return PREFIX .. 'order:' .. order_id
end

local function client_order_key(account, client_order_id)
  return PREFIX .. 'client_order:' .. account .. ':' .. client_order_id
end

-- HSET in chunks: Lua's stack bounds what unpack may return.
local function write_fields(key, fields)
  for first = 1, #fields, UNPACK_MAX do
    redis.call('HSET', key, unpack(fields, first, math.min(first + UNPACK_MAX - 1, #fields)))
  end
end

local function expire_closed(order_id, account, client_order_id, closed_kept_s)
  redis.call('EXPIRE', order_key(order_id), closed_kept_s)
  if client_order_id ~= '' then
    redis.call('EXPIRE', client_order_key(account, client_order_id), closed_kept_s)
  end
end
