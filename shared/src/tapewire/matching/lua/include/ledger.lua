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
-- Events account_events, one message per command and account: parts joined by character 30:
--        account|epoch|seq|balance_seq|time_us; asset,available,held;...; then one part for each
--        change of an order, fields joined by character 31: kind (new, amended, triggered or
--        empty), order id, terms, state, fills (seq,ticks,lots,m|t,time_us,fee_units;...).
--        A change is as many execution reports as note_change counts.
-- Units are added as doubles while they are exact, beyond 2^53 by Redis itself.

local FEE_ACCOUNT = '@fees'
local EXACT_MAX = 9007199254740992
local BALANCE_UNITS_MAX = 4611686018427387904

local function account_key(account)
  return '{tw}:account:' .. account
end

-- What the command knows of an account; made when it is first touched. The entries form a chain in
-- the order of their making: one table less than a list of them.
local function account_entry(command, account)
  local entry = command.ledger[account]
  if not entry then
    -- deltas: asset -> its delta, also a chain; `changes` are the parts of the event, made with the
    -- first change of an order; `fills` the lines for the history.
    entry = { account = account, deltas = {}, first_delta = nil, last_delta = nil, changes = nil,
      fills = nil, reports = 0, following = nil }
    command.ledger[account] = entry
    if command.last_entry then
      command.last_entry.following = entry
    else
      command.first_entry = entry
    end
    command.last_entry = entry
  end
  return entry
end

-- Adds units to what an account has free, holds, and may still get of an asset.
local function change_balance(command, account, asset, available, held, incoming)
  local entry = account_entry(command, account)
  local delta = entry.deltas[asset]
  if not delta then
    delta = { asset = asset, available = available, held = held, incoming = incoming,
      following = nil, is_written = nil }
    entry.deltas[asset] = delta
    if entry.last_delta then entry.last_delta.following = delta else entry.first_delta = delta end
    entry.last_delta = delta
    return
  end
  local sum, held_sum, incoming_sum = delta.available + available, delta.held + held,
    delta.incoming + incoming
  if sum >= EXACT_MAX or sum <= -EXACT_MAX or held_sum >= EXACT_MAX or held_sum <= -EXACT_MAX
    or incoming_sum >= EXACT_MAX or incoming_sum <= -EXACT_MAX then
    -- Only a command that goes over many of the largest orders comes here. A sum may be rounded
    -- already: what was there before is written, and the new part is kept as it came.
    local key = account_key(account)
    redis.call('HINCRBY', key, 'available:' .. asset, integer_text(delta.available))
    redis.call('HINCRBY', key, 'held:' .. asset, integer_text(delta.held))
    redis.call('HINCRBY', key, 'incoming:' .. asset, integer_text(delta.incoming))
    sum, held_sum, incoming_sum, delta.is_written = available, held, incoming, true
    -- What was read before is no longer so.
    command.trader = nil
  end
  delta.available, delta.held, delta.incoming = sum, held_sum, incoming_sum
end

-- Units that an account has free now; of more than 2^53 no more than that, which pays any order.
local function available_units(command, account, asset)
  local trader, units = command.trader, nil
  if trader and trader.account == account and trader.pays == asset then
    units = trader.available
  else
    units = redis.call('HGET', account_key(account), 'available:' .. asset) or 0
  end
  units = math.min(units + 0, EXACT_MAX)
  local entry = command.ledger[account]
  local delta = entry and entry.deltas[asset]
  return delta and units + delta.available or units
end

-- Remembers a change of an order for its account: its kind, if it is more than a trade or an end;
-- its fills, as text, and their count; its end, if it was canceled or expired.
local function note_change(command, order, kind, state, fills, count)
  local entry = account_entry(command, order.account)
  local change = kind .. '\31' .. order.id .. '\31' .. order.terms .. '\31' .. state .. '\31'
    .. fills
  if entry.changes then
    entry.changes[#entry.changes + 1] = change
  else
    entry.changes = { change }
  end
  if kind ~= '' then count = count + 1 end
  if order.status == 'canceled' or order.status == 'expired' then count = count + 1 end
  entry.reports = entry.reports + count
end

-- The sum as text; `field` is where Redis has the first.
local function add_exactly(key, field, units, delta)
  local sum = (units or 0) + delta
  if sum < EXACT_MAX and sum > -EXACT_MAX and sum - delta < EXACT_MAX
    and sum - delta > -EXACT_MAX then
    -- Unchanged digits stay as they are: quicker than to format them again.
    return delta == 0 and units or integer_text(sum)
  end
  -- No step may stop half way: a sum that passes 64 bits stays as it was.
  redis.pcall('HINCRBY', key, field, integer_text(delta))
  return redis.call('HGET', key, field)
end

-- What Redis has of an account: seq, balance_seq, then available, held and incoming of each asset.
local function read_balances(entry, key)
  local wanted, delta, count = { 'seq', 'balance_seq' }, entry.first_delta, 2
  while delta do
    local asset = delta.asset
    wanted[count + 1], wanted[count + 2] = 'available:' .. asset, 'held:' .. asset
    wanted[count + 3] = 'incoming:' .. asset
    delta, count = delta.following, count + 3
  end
  return redis.call('HMGET', key, unpack(wanted))
end

-- Writes what the command changed of one account, and tells whoever listens to it.
local function write_account(command, entry)
  local key, trader, delta = account_key(entry.account), command.trader, entry.first_delta
  -- Of the account whose order came in all this was read at the beginning.
  if trader and trader.account ~= entry.account then trader = nil end
  local values = trader and trader.record or read_balances(entry, key)
  local seq = integer_text((values[1] or 0) + entry.reports)
  local fields, texts, first = { 'seq', seq, 'balance_seq', '' }, '', 0
  while delta do
    local asset, count = delta.asset, #fields
    first = trader and (asset == trader.pays and 3 or 6) or first + 3
    local available_field, held_field = 'available:' .. asset, 'held:' .. asset
    local available = add_exactly(key, available_field, values[first], delta.available)
    local held = add_exactly(key, held_field, values[first + 1], delta.held)
    fields[count + 1], fields[count + 2] = available_field, available
    fields[count + 3], fields[count + 4] = held_field, held
    if delta.incoming ~= 0 then
      fields[count + 5] = 'incoming:' .. asset
      fields[count + 6] = add_exactly(key, fields[count + 5], values[first + 2], delta.incoming)
    end
    if delta.available ~= 0 or delta.held ~= 0 or delta.is_written then
      texts = (texts == '' and '' or texts .. ';') .. asset .. ',' .. available .. ',' .. held
    end
    delta = delta.following
  end
  local balance_seq = values[2] or '0'
  if texts ~= '' then balance_seq = integer_text(balance_seq + 1) end
  fields[4] = balance_seq
  redis.call('HSET', key, unpack(fields))
  local changes = entry.changes
  if entry.account == FEE_ACCOUNT or (entry.reports == 0 and texts == '') then return end
  local event = entry.account .. '|' .. command.epoch .. '|' .. seq .. '|' .. balance_seq .. '|'
    .. command.now .. '\30' .. texts
  if changes then
    event = event .. '\30' .. (changes[2] and table.concat(changes, '\30') or changes[1])
  end
  redis.call('XADD', '{tw}:account_log:' .. entry.account, 'MAXLEN', '~',
    10000, seq .. '-' .. balance_seq, 'event', event)
  redis.call('PUBLISH', 'account_events', event)
end
