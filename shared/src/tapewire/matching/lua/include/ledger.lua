-- Contract: what a command changes in accounts: gathered while it runs, written when it ends.
-- Keys   account:<account> (hash):
--        profile = state|maker_fee_ppm|taker_fee_ppm|opened_us (active or blocked; a fee that is
--                empty is the instrument's);
--        available:<asset>, held:<asset>, incoming:<asset> = units free, held by open orders, and
--                what open orders would bring;
--        limits:<symbol> = open_orders_max|order_lots_max|order_notional_max|position_lots_max
--                (empty: the instrument's; 0: none);
--        seq, balance_seq = number of the newest execution report, of the newest balances.
--        account_log:<account> (stream): one entry per command that changed the account, entry id
--        = seq-balance_seq after it, field 'event' = what was published; bounded.
-- Events account_events, one message per command and account: parts joined by RECORD:
--        account|epoch|seq|balance_seq|time_us; asset,available,held;...; then one part for each
--        change of an order, fields joined by FIELD: kind (new, amended, triggered or empty), order
--        id, terms, state, fills (seq,ticks,lots,m|t,time_us,fee_units;...).
--        A change is as many execution reports as note_change counts.
-- Units are added as doubles while they are exact, beyond 2^53 by Redis itself.

local ACCOUNT_CHANNEL = 'account_events'
local ACCOUNT_LOG_EVENTS_MAX = 10000
local FEE_ACCOUNT = '@fees'
local EXACT_MAX = 9007199254740992
local BALANCE_UNITS_MAX = 4611686018427387904
local RECORD, FIELD = '\30', '\31'

local function account_key(account)
  return PREFIX .. 'account:' .. account
end

-- What the command knows of an account; made when it is first touched.
local function account_entry(command, account)
  local entry = command.ledger[account]
  if not entry then
    -- The first two parts of the event are known at the end only.
    entry = { account = account, assets = {}, deltas = {}, changes = { '', '' }, reports = 0 }
    command.ledger[account] = entry
    command.touched[#command.touched + 1] = entry
  end
  return entry
end

-- Adds units to what an account has free, holds, and may still get of an asset.
local function change_balance(command, account, asset, available, held, incoming)
  local entry = account_entry(command, account)
  local delta = entry.deltas[asset]
  if not delta then
    entry.deltas[asset] = { available, held, incoming }
    entry.assets[#entry.assets + 1] = asset
    return
  end
  local sum, held_sum, incoming_sum = delta[1] + available, delta[2] + held, delta[3] + incoming
  if math.max(math.abs(sum), math.abs(held_sum), math.abs(incoming_sum)) >= EXACT_MAX then
    -- Only a command that goes over many of the largest orders comes here. A sum may be rounded
    -- already: what was there before is written, and the new part is kept as it came.
    local key = account_key(account)
    redis.call('HINCRBY', key, 'available:' .. asset, integer_text(delta[1]))
    redis.call('HINCRBY', key, 'held:' .. asset, integer_text(delta[2]))
    redis.call('HINCRBY', key, 'incoming:' .. asset, integer_text(delta[3]))
    sum, held_sum, incoming_sum, delta.is_written = available, held, incoming, true
  end
  delta[1], delta[2], delta[3] = sum, held_sum, incoming_sum
end

-- Units that an account has free now; of more than 2^53 no more than that, which pays any order.
local function available_units(command, account, asset)
  local units = math.min(tonumber(redis.call('HGET', account_key(account),
    'available:' .. asset) or 0), EXACT_MAX)
  local entry = command.ledger[account]
  local delta = entry and entry.deltas[asset]
  return delta and units + delta[1] or units
end

-- Remembers a change of an order for its account: its kind, if it is more than a trade or an end;
-- its fills; its end, if it was canceled or expired.
local function note_change(command, order, kind, state, fills)
  local entry = account_entry(command, order.account)
  entry.changes[#entry.changes + 1] = table.concat({ kind, order.id, order.terms, state,
    table.concat(fills, ';') }, FIELD)
  local has_ended = order.status == 'canceled' or order.status == 'expired'
  entry.reports = entry.reports + (kind ~= '' and 1 or 0) + #fills + (has_ended and 1 or 0)
end

-- The sum as text; `field` is where Redis has the first.
local function add_exactly(key, field, units, delta)
  local sum = (tonumber(units) or 0) + delta
  if math.abs(sum) < EXACT_MAX and math.abs(sum - delta) < EXACT_MAX then
    return integer_text(sum)
  end
  -- No step may stop half way: a sum that passes 64 bits stays as it was.
  redis.pcall('HINCRBY', key, field, integer_text(delta))
  return redis.call('HGET', key, field)
end

-- Writes the balances of an account; returns their text for its event.
local function write_balances(entry, key, values)
  local fields, texts = {}, {}
  for index, asset in ipairs(entry.assets) do
    local delta, first = entry.deltas[asset], 3 * index
    local available_field, held_field = 'available:' .. asset, 'held:' .. asset
    local available = add_exactly(key, available_field, values[first], delta[1])
    local held = add_exactly(key, held_field, values[first + 1], delta[2])
    local count = #fields
    fields[count + 1], fields[count + 2] = available_field, available
    fields[count + 3], fields[count + 4] = held_field, held
    if delta[3] ~= 0 then
      fields[count + 5] = 'incoming:' .. asset
      fields[count + 6] = add_exactly(key, fields[count + 5], values[first + 2], delta[3])
    end
    if delta[1] ~= 0 or delta[2] ~= 0 or delta.is_written then
      texts[#texts + 1] = asset .. ',' .. available .. ',' .. held
    end
  end
  return fields, texts
end

-- Writes what the command changed of one account, and tells whoever listens to it.
local function write_account(command, entry)
  local key, wanted = account_key(entry.account), { 'seq', 'balance_seq' }
  for _, asset in ipairs(entry.assets) do
    local count = #wanted
    wanted[count + 1], wanted[count + 2] = 'available:' .. asset, 'held:' .. asset
    wanted[count + 3] = 'incoming:' .. asset
  end
  local values = redis.call('HMGET', key, unpack(wanted))
  local fields, texts = write_balances(entry, key, values)
  local seq = integer_text((tonumber(values[1]) or 0) + entry.reports)
  local balance_seq = integer_text((tonumber(values[2]) or 0) + (#texts > 0 and 1 or 0))
  local count = #fields
  fields[count + 1], fields[count + 2] = 'seq', seq
  fields[count + 3], fields[count + 4] = 'balance_seq', balance_seq
  redis.call('HSET', key, unpack(fields))
  if entry.account == FEE_ACCOUNT or (entry.reports == 0 and #texts == 0) then return end
  entry.changes[1] = entry.account .. '|' .. command.epoch .. '|' .. seq .. '|' .. balance_seq
    .. '|' .. command.now
  entry.changes[2] = table.concat(texts, ';')
  local event = table.concat(entry.changes, RECORD)
  redis.call('XADD', PREFIX .. 'account_log:' .. entry.account, 'MAXLEN', '~',
    ACCOUNT_LOG_EVENTS_MAX, seq .. '-' .. balance_seq, 'event', event)
  redis.call('PUBLISH', ACCOUNT_CHANNEL, event)
end
