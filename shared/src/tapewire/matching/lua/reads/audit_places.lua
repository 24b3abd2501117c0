-- audit_places: the places of some orders in the indexes, of one moment. Writes nothing.
--
-- KEYS   1 expiring
-- ARGV   order ids from 2 on
-- Reply  per order seven texts: id, terms, state, score in open:<account>:<symbol>, in
--        queue:<symbol>:<side>, in stops:<symbol>:<side>, in expiring; '' for a missing one.
-- Errors none.

local function audit_places(keys, argv)
  local places = {}
  for index = 2, #argv do
    local id = argv[index]
    local record = call('HMGET', order_key(id), 'terms', 'state')
    local order = record[1] and Terms.split(record[1]) and Terms.read(record[1])
    if order then order.id = id end
    local member = order and queue_member(order)
    add_texts(places, id, record[1], record[2],
      order and call('ZSCORE', open_key(order.account, order.symbol), id),
      order and call('ZSCORE', queue_key(order.symbol, order.side), member),
      order and call('ZSCORE', stops_key(order.symbol, trigger_side(order)), member),
      call('ZSCORE', keys[1], id))
  end
  return places
end
