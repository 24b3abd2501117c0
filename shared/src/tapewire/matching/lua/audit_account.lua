-- audit_account: an account with the records of its open orders as one moment has them. Writes
-- nothing.
--
-- KEYS   1 account:<account>
-- ARGV   1 account   2 most open orders that are read
-- Reply  {number of open orders, {field, value, ...} of the account, the newest entry of its log
--        {id, {field, value}} or {}, orders}: per order five texts: id, score in its index, symbol
--        of the index, terms, state ('' without a record). More open orders than ARGV[2]: none.
-- Errors none.
-- @include text market book ledger orders

local orders, indexes, count = {}, {}, 0
for _, symbol in ipairs(redis.call('SMEMBERS', '{tw}:instruments')) do
  local size = redis.call('ZCARD', open_key(ARGV[1], symbol))
  if size > 0 then indexes[#indexes + 1] = symbol end
  count = count + size
end
if count <= tonumber(ARGV[2]) then
  for _, symbol in ipairs(indexes) do
    local members = redis.call('ZRANGE', open_key(ARGV[1], symbol), 0, -1, 'WITHSCORES')
    for index = 1, #members, 2 do
      local record = redis.call('HMGET', order_key(members[index]), 'terms', 'state')
      local last = #orders
      orders[last + 1], orders[last + 2], orders[last + 3] = members[index], members[index + 1],
        symbol
      orders[last + 4], orders[last + 5] = record[1] or '', record[2] or ''
    end
  end
end
local newest = redis.call('XREVRANGE', '{tw}:account_log:' .. ARGV[1], '+', '-', 'COUNT', 1)
return { count, redis.call('HGETALL', KEYS[1]), newest[1] or {}, orders }
