-- audit_index: a part of a queue, of the stops or of `expiring`, of one moment, with its records
-- and levels. Writes nothing.
--
-- KEYS   1 the sorted set   2 levels:<symbol>:<side> (the same as 1: a set without levels)
-- ARGV   2 start: -inf, or '(' and the last score of the part before   3 orders to read; the other
--        orders at the last score are read too   4 most orders that are read
-- Reply  {number of orders in the part, orders, levels}: per order four texts: member, score,
--        terms, state ('' without a record); per score two: score, lots of its level ('' without
--        one). If the part has more orders than ARGV[4], the orders at the last score are left out;
--        if no other orders are in the part, `levels` has the last score without lots.
-- Errors none.

local function audit_index(keys, argv)
  local start, wanted, orders_max = argv[2], argv[3], argv[4]
  local orders, levels, index_key, level_key = {}, {}, keys[1], keys[2]
  local members = call('ZRANGEBYSCORE', index_key, start, '+inf', 'WITHSCORES', 'LIMIT', 0, wanted)
  if #members == 0 then return { 0, orders, levels } end
  local last = members[#members]
  local count = call('ZCOUNT', index_key, start, last)
  if count > tonumber(orders_max) then
    -- The caller reads the last score by itself.
    while #members > 0 and members[#members] == last do
      members[#members], members[#members - 1] = nil, nil
    end
    if #members == 0 then return { count, orders, { last, '' } } end
    count = #members / 2
  end
  if count > #members / 2 then
    members = call('ZRANGEBYSCORE', index_key, start, last, 'WITHSCORES')
  end
  for index = 1, #members, 2 do
    local member, score = members[index], members[index + 1]
    local record = call('HMGET', order_key(match_text(member, '[^:]*$')), 'terms', 'state')
    add_texts(orders, member, score, record[1], record[2])
    if members[index - 1] ~= score then
      add_texts(levels, score, level_key ~= index_key and call('HGET', level_key,
        integer_text(score_ticks(score))))
    end
  end
  return { count, orders, levels }
end
