-- audit_account: an account with the records of its open orders, of one moment. Writes nothing.
--
-- KEYS   1 account:<account>
-- ARGV   2 account   3 most open orders that are read
-- Reply  {number of open orders, {field, value, ...} of the account, the newest entry of its log
--        {id, {field, value}} or {}, symbols with open orders, orders}: per order five texts: id,
--        score in its index, symbol of the index, terms, state ('' without a record). With more
--        open orders than ARGV[3], `orders` is empty.
-- Errors none.

local function audit_account(keys, argv)
  local account, orders_max = argv[2], argv[3]
  local orders, indexes, count = {}, {}, 0
  for _, symbol in ipairs(call('SMEMBERS', '{tw}:instruments')) do
    local size = call('ZCARD', open_key(account, symbol))
    if size > 0 then indexes[#indexes + 1] = symbol end
    count = count + size
  end
  if count <= tonumber(orders_max) then
    for _, symbol in ipairs(indexes) do
      local members = call('ZRANGE', open_key(account, symbol), 0, -1, 'WITHSCORES')
      for index = 1, #members, 2 do
        local record = call('HMGET', order_key(members[index]), 'terms', 'state')
        add_texts(orders, members[index], members[index + 1], symbol, record[1], record[2])
      end
    end
  end
  local newest = call('XREVRANGE', '{tw}:account_log:' .. account, '+', '-', 'COUNT', 1)
  return { count, call('HGETALL', keys[1]), newest[1] or {}, indexes, orders }
end
