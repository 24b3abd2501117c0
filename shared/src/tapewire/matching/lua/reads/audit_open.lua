-- audit_open: a part of the open orders of an account in one market, of one moment. Writes nothing.
--
-- KEYS   1 open:<account>:<symbol>
-- ARGV   2 start: -inf, or '(' and the last score of the part before   3 orders to read
-- Reply  per order four texts: id, score in the index, terms, state, '' for a missing one.
-- Errors none.

local function audit_open(keys, argv)
  local orders = {}
  local members = call('ZRANGEBYSCORE', keys[1], argv[2], '+inf', 'WITHSCORES', 'LIMIT', 0, argv[3])
  for index = 1, #members, 2 do
    local record = call('HMGET', order_key(members[index]), 'terms', 'state')
    add_texts(orders, members[index], members[index + 1], record[1], record[2])
  end
  return orders
end
