-- Contract: order records, how they change and how they end.
-- Keys   order:<id> (hash):
--        terms = quantity|account|client_order_id|price|priority|symbol|side|order_type|
--                time_in_force|created_us|digest (price '' for a market order);
--        state = status|executed|notional|updated_us (notional in ticks x lots);
--        f<seq> = ticks,lots,m|t,time_us: one per fill, m as maker, t as taker.
--        client_order:<account>:<client_order_id> (string): order id; lives as long as the order.
-- Lifetime: an open order has no expiry; a closed one is kept for closed_kept_s seconds.
-- Two packed fields and not sixteen: Redis searches a small hash from its start for each field.

local UNPACK_MAX = 1000
local TERMS_PATTERN = '^(%d+)|(.-)|(.-)|(%d*)|(%d+)|(.-)|(.-)|(.-)|(.-)|(%d+)|(.*)$'
local STATE_PATTERN = '^(.-)|(%d+)|(%d+)|'

local function order_key(order_id)
  return PREFIX .. 'order:' .. order_id
end

local function client_order_key(account, client_order_id)
  return PREFIX .. 'client_order:' .. account .. ':' .. client_order_id
end

local function state_text(status, executed, notional, now)
  return status .. '|' .. integer_text(executed) .. '|' .. integer_text(notional) .. '|' .. now
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
