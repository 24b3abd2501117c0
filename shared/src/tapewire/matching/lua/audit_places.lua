-- audit_places: where some orders stand, as one moment has it. Writes nothing.
--
-- KEYS   1 expiring
-- ARGV   order ids
-- Reply  per order seven texts, '' for what is not there: id, terms, state, score in
--        open:<account>:<symbol>, in queue:<symbol>:<side>, in stops:<symbol>:<side>, in expiring.
-- Errors none.
-- @include text market book ledger orders

local WHERE = '^%d*|([^|]*)|[^|]*|%d*|%d*|%d*|(%d+)|([^|]*)|([^|]*)|'
local places = {}

local function add(value)
  places[#places + 1] = value or ''
end

for _, id in ipairs(ARGV) do
  local record = redis.call('HMGET', order_key(id), 'terms', 'state')
  local account, priority, symbol, side = string.match(record[1] or '', WHERE)
  local member = side and queue_member({ priority = tonumber(priority), id = id })
  add(id)
  add(record[1])
  add(record[2])
  add(side and redis.call('ZSCORE', open_key(account, symbol), id))
  add(side and redis.call('ZSCORE', queue_key(symbol, side), member))
  add(side and redis.call('ZSCORE', stops_key(symbol, side), member))
  add(redis.call('ZSCORE', KEYS[1], id))
end
return places
