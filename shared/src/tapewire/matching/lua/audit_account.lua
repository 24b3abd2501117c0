-- audit_account: an account with its open orders as one moment has them. Writes nothing.
--
-- KEYS   1 account:<account>
-- ARGV   1 account   2 most open orders that are read
-- Reply  {number of open orders, {field, value, ...} of the account, the newest entry of its log
--        {id, {field, value}} or {}, orders}: per order eight texts, '' for what is not there: id,
--        score in its index, symbol of the index, terms, state, score in queue:*, in stops:*, in
--        expiring. More open orders than ARGV[2]: none of them.
-- Errors none.
-- @include text market book ledger orders

local orders, indexes, count = {}, {}, 0

local function add(value)
  orders[#orders + 1] = value or ''
end

local function add_order(symbol, id, score)
  local record = redis.call('HMGET', order_key(id), 'terms', 'state')
  add(id)
  add(score)
  add(symbol)
  add(record[1])
  add(record[2])
  local order = record[1] and record[2] and read_order(id)
  -- What cannot be read stands nowhere.
  local is_readable = order and order.priority and order.symbol
  local member = is_readable and queue_member(order)
  add(member and redis.call('ZSCORE', queue_key(order.symbol, order.side), member))
  add(member and redis.call('ZSCORE', stops_key(order.symbol, order.side), member))
  add(redis.call('ZSCORE', EXPIRING, id))
end

for _, symbol in ipairs(redis.call('SMEMBERS', PREFIX .. 'instruments')) do
  local size = redis.call('ZCARD', open_key(ARGV[1], symbol))
  if size > 0 then indexes[#indexes + 1] = symbol end
  count = count + size
end
if count <= tonumber(ARGV[2]) then
  for _, symbol in ipairs(indexes) do
    local members = redis.call('ZRANGE', open_key(ARGV[1], symbol), 0, -1, 'WITHSCORES')
    for index = 1, #members, 2 do add_order(symbol, members[index], members[index + 1]) end
  end
end
local newest = redis.call('XREVRANGE', PREFIX .. 'account_log:' .. ARGV[1], '+', '-', 'COUNT', 1)
return { count, redis.call('HGETALL', KEYS[1]), newest[1] or {}, orders }
