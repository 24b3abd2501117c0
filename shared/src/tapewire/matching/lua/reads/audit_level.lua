-- audit_level: a part of the orders at one score of a queue, of the stops or of `expiring`, of one
-- moment. Writes nothing.
--
-- KEYS   1 the sorted set   2 levels:<symbol>:<side> (the same as 1: a set without levels)
-- ARGV   2 the score   3 orders at this score that are skipped   4 most orders that are read
-- Reply  {number of orders at the score; the last member there; the lots of its level, '' without
--        one; orders}: per order four texts: member, score, terms, state ('' without a record).
-- Errors none.

local function audit_level(keys, argv)
  local index_key, level_key, score = keys[1], keys[2], argv[2]
  local orders = {}
  local members = call('ZRANGEBYSCORE', index_key, score, score, 'LIMIT', argv[3], argv[4])
  for index = 1, #members do
    local member = members[index]
    local record = call('HMGET', order_key(match_text(member, '[^:]*$')), 'terms', 'state')
    add_texts(orders, member, score, record[1], record[2])
  end
  local last = call('ZREVRANGEBYSCORE', index_key, score, score, 'LIMIT', 0, 1)[1]
  local lots = level_key ~= index_key and call('HGET', level_key, integer_text(score_ticks(score)))
  return { call('ZCOUNT', index_key, score, score), last or '', lots or '', orders }
end
