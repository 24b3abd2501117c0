-- audit_index: a part of a queue, of the stops or of `expiring` as one moment has it, with the
-- records and levels that belong to it. Writes nothing.
--
-- KEYS   1 the sorted set   2 levels:<symbol>:<side> (the same as 1: it has none)
-- ARGV   1 where to begin: -inf, or '(' and the last score of the part before   2 orders to read,
--        then those at the last score too   3 most orders that are read
-- Reply  {number of orders in the part, orders, levels}: per order four texts: member, score,
--        terms, state ('' without a record); per score two: score, lots of its level ('' without
--        one). More orders than ARGV[3]: none of them, but one level without lots, which tells the
--        last score.
-- Errors none.
-- @include text market book ledger orders

local orders, levels = {}, {}
local members = redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0,
  ARGV[2])
if #members == 0 then return { 0, orders, levels } end
local last = members[#members]
local count = redis.call('ZCOUNT', KEYS[1], ARGV[1], last)
if count > tonumber(ARGV[3]) then return { count, orders, { last, '' } } end
if count > #members / 2 then
  members = redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[1], last, 'WITHSCORES')
end
for index = 1, #members, 2 do
  local member, score = members[index], members[index + 1]
  local record = redis.call('HMGET', order_key(string.match(member, '[^:]*$')), 'terms', 'state')
  local place = #orders
  orders[place + 1], orders[place + 2] = member, score
  orders[place + 3], orders[place + 4] = record[1] or '', record[2] or ''
  if members[index - 1] ~= score then
    levels[#levels + 1] = score
    levels[#levels + 1] = KEYS[2] ~= KEYS[1] and redis.call('HGET', KEYS[2],
      integer_text(math.abs(tonumber(score)))) or ''
  end
end
return { count, orders, levels }
