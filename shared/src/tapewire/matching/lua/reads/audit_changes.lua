-- audit_changes: an account with the records of its orders that changed after an event, of one
-- moment. Writes nothing. The audit reads many open orders in parts (audit_open), and then the
-- orders that changed meanwhile, until this function has covered every event.
--
-- KEYS   1 account:<account>
-- ARGV   2 account   3 entry id in the account's log: events after it are read; '' if the log
--        was empty   4 most changes of orders that are read; the first event is always read whole
-- Reply  {1 if every event is covered, 0 if there are more, -1 if ARGV[3] was trimmed; number of
--        open orders; {field, value, ...} of the account; the newest entry of its log {id, {field,
--        value}} or {}; the id of the last event that is covered; orders}: per changed order five
--        texts: id, score in open:<account>:<symbol>, symbol, terms, state, '' for a missing one.
-- Errors none.

-- Adds the ids of the orders that an event changed to a list and a set. Returns the number of
-- changes.
local function add_changed(event, ids, known)
  local _, header_end = string.find(event, PART, 1, true)
  local _, balances_end = string.find(event, PART, header_end + 1, true)
  if not balances_end then return 0 end
  local changes = 0
  for change in string.gmatch(string.sub(event, balances_end + 1), '[^' .. PART .. ']+') do
    local _, id = Change.split(change)
    if id and not known[id] then
      known[id], ids[#ids + 1] = true, id
    end
    changes = changes + 1
  end
  return changes
end

-- The ids of changed orders, whether all events are covered, and the last covered event.
local function changed_orders(log, after, changes_max)
  local ids, known, changes = {}, {}, 0
  local start = after == '' and '-' or '(' .. after
  local entries = call('XRANGE', log, start, '+', 'COUNT', changes_max + 1)
  for index = 1, #entries do
    if changes >= changes_max then return ids, 0, after end
    changes = changes + math.max(1, add_changed(entries[index][2][2], ids, known))
    after = entries[index][1]
  end
  return ids, 1, after
end

local function audit_changes(keys, argv)
  local account, after, changes_max = argv[2], argv[3], tonumber(argv[4])
  local log = '{tw}:account_log:' .. account
  local ids, covered, last = {}, -1, after
  if after == '' or #call('XRANGE', log, after, after) == 1 then
    ids, covered, last = changed_orders(log, after, changes_max)
  end
  local orders = {}
  for index = 1, #ids do
    local id = ids[index]
    local record = call('HMGET', order_key(id), 'terms', 'state')
    local order = record[1] and Terms.split(record[1]) and Terms.read(record[1])
    local score = order and call('ZSCORE', open_key(account, order.symbol), id)
    add_texts(orders, id, score, order and order.symbol, record[1], record[2])
  end
  local count = 0
  for _, symbol in ipairs(call('SMEMBERS', '{tw}:instruments')) do
    count = count + call('ZCARD', open_key(account, symbol))
  end
  local newest = call('XREVRANGE', log, '+', '-', 'COUNT', 1)
  return { covered, count, call('HGETALL', keys[1]), newest[1] or {}, last, orders }
end
