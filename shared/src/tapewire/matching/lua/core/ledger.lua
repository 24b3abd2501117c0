-- Contract: the changes of accounts by a command: gathered while it runs, written when it ends.
-- Keys   account:<account> (hash): profile; available:<asset>, held:<asset>, incoming:<asset> =
--        units free, held by open orders, and what open orders would bring; limits:<symbol>;
--        seq, balance_seq = number of the newest execution report, of the newest balances.
--        account_log:<account> (stream): one entry per command that changed the account, entry id
--        = seq-balance_seq after the command, field 'event' = the published message; bounded. The
--        lists of orders and fills are read from the log (tapewire/matching/queries.py).
-- Events account_events, one message per command and account, parts joined by PART: EventHeader;
--        a list of Balance; then one Change for each change of an order: its kind is new, amended,
--        triggered or empty, its fills are a list of Execution. A change is as many execution
--        reports as note_change counts.
-- Lua adds units while doubles are exact. Beyond 2^53 Redis adds them (HINCRBY).

local FEE_ACCOUNT = '@fees'

local function account_key(account)
  return '{tw}:account:' .. account
end

-- The names of the fields that an account has of an asset.
local asset_fields = remembering(function(asset)
  return { available = 'available:' .. asset, held = 'held:' .. asset,
    incoming = 'incoming:' .. asset }
end)

-- One asset of an account: `available`, `held` and `incoming` are the text in Redis, nil for a
-- missing field; the units that the command adds have the prefix `more_`.
local function new_units(available, held, incoming)
  return {
    available = available or nil, held = held or nil, incoming = incoming or nil,
    more_available = 0, more_held = 0, more_incoming = 0,
    -- Whether the command has read Redis, adds units, has written a part of them to Redis.
    is_known = nil, is_touched = nil, is_written = nil,
  }
end

-- The entry of an account in a command; made when the command first touches the account.
local function account_entry(command, account)
  local entry = command.entries[account]
  if not entry then
    entry = {
      account = account,
      -- The numbers in Redis; nil before Redis was read.
      seq = nil,
      balance_seq = nil,
      -- Asset -> units; nil before the first asset. The touched assets, in the order of touch.
      units = nil,
      assets = { nil, nil },
      -- The changes of orders as parts of the event, and how many execution reports they are.
      changes = nil,
      reports = 0,
    }
    command.entries[account] = entry
    command.touched[#command.touched + 1] = entry
  end
  return entry
end

-- Keeps the units that Redis has of an asset; HMGET gives false for a missing field.
local function note_balance(entry, asset, available, held, incoming)
  local units = entry.units and entry.units[asset]
  if units then
    units.available, units.held, units.incoming = available or nil, held or nil, incoming or nil
  else
    units = new_units(available, held, incoming)
    if entry.units then entry.units[asset] = units else entry.units = { [asset] = units } end
  end
  units.is_known = true
end

-- Reads sequences and the balances of two assets into the entry, in one call; returns the values
-- of more fields, up to two.
local function read_account(entry, asset, other, ...)
  local one, two = asset_fields(asset), asset_fields(other)
  local values = call('HMGET', account_key(entry.account), 'seq', 'balance_seq', one.available,
    one.held, one.incoming, two.available, two.held, two.incoming, ...)
  entry.seq, entry.balance_seq = values[1] or '0', values[2] or '0'
  note_balance(entry, asset, values[3], values[4], values[5])
  note_balance(entry, other, values[6], values[7], values[8])
  return values[9], values[10]
end

-- Reads the changed assets that the command has not read yet.
local function read_rest(entry)
  local assets = entry.assets
  if not entry.seq then
    local first = assets[1] or ''
    -- A command changes one asset or two of most accounts.
    read_account(entry, first, assets[2] or first)
  end
  for index = 1, #assets do
    local asset = assets[index]
    if not entry.units[asset].is_known then
      local names = asset_fields(asset)
      local values = call('HMGET', account_key(entry.account), names.available, names.held,
        names.incoming)
      note_balance(entry, asset, values[1], values[2], values[3])
    end
  end
end

-- Has Redis add the gathered units of an asset, because a sum of them is no longer exact.
local function flush_units(entry, asset, units)
  local key = account_key(entry.account)
  call('HINCRBY', key, 'available:' .. asset, integer_text(units.more_available))
  call('HINCRBY', key, 'held:' .. asset, integer_text(units.more_held))
  call('HINCRBY', key, 'incoming:' .. asset, integer_text(units.more_incoming))
  units.is_written, units.is_known = true, nil
end

-- Each of three whole numbers is below 2^53, and so exact, if the sum of their squares is below.
local EXACT_SQUARE = EXACT_MAX * EXACT_MAX

-- Adds units to the available, held and incoming units of an asset.
local function change_balance(command, account, asset, available, held, incoming)
  local entry = account_entry(command, account)
  local units = entry.units and entry.units[asset]
  if not units then
    units = new_units()
    if entry.units then entry.units[asset] = units else entry.units = { [asset] = units } end
  end
  if not units.is_touched then
    units.is_touched = true
    entry.assets[#entry.assets + 1] = asset
  end
  local available_sum, held_sum, incoming_sum = units.more_available + available,
    units.more_held + held, units.more_incoming + incoming
  -- One comparison for three numbers, because each trade calls this function four times.
  if available_sum * available_sum + held_sum * held_sum + incoming_sum * incoming_sum
    < EXACT_SQUARE then
    units.more_available, units.more_held = available_sum, held_sum
    units.more_incoming = incoming_sum
  else
    -- Only a command that meets many of the largest orders comes here.
    flush_units(entry, asset, units)
    units.more_available, units.more_held, units.more_incoming = available, held, incoming
  end
end

-- Units that an account has free now; of more than 2^53 no more than that, which pays any order.
local function available_units(command, account, asset)
  local entry = command.entries[account]
  local known, free = entry and entry.units and entry.units[asset], nil
  if known and known.is_known then
    free = known.available or 0
  else
    free = call('HGET', account_key(account), 'available:' .. asset) or 0
  end
  free = min(free + 0, EXACT_MAX)
  return known and free + known.more_available or free
end

-- Remembers a change of an order for its account: its kind ('' for a trade or an end alone), its
-- fills as text, and their count. A canceled or expired order is one execution report more.
local function note_change(command, order, kind, state, fills, count)
  local entry = account_entry(command, order.account)
  local change = Change.join(kind, order.id, order.terms, state, fills)
  if entry.changes then
    entry.changes[#entry.changes + 1] = change
  else
    entry.changes = { change }
  end
  if kind ~= '' then count = count + 1 end
  if order.status == 'canceled' or order.status == 'expired' then count = count + 1 end
  entry.reports = entry.reports + count
end

-- A sum as text; `field` is where Redis has `units`, which may be nil.
local function add_exactly(key, field, units, delta)
  -- Unchanged digits stay as they are: faster than to format them again.
  if delta == 0 and units then return units end
  local before = (units or 0) + 0
  local sum = before + delta
  if sum < EXACT_MAX and sum > -EXACT_MAX and before < EXACT_MAX and before > -EXACT_MAX then
    return integer_text(sum)
  end
  -- No command may stop half way: a sum that passes 64 bits stays as it was.
  redis.pcall('HINCRBY', key, field, integer_text(delta))
  return call('HGET', key, field)
end

-- Adds the changed fields of one asset to `fields`, `count` values that HSET takes. Returns the
-- balance for the event, or nil if it has not changed, and the new count.
local function add_units(key, entry, asset, fields, count)
  local units, names = entry.units[asset], asset_fields(asset)
  local more_available, more_held = units.more_available, units.more_held
  local available = add_exactly(key, names.available, units.available, more_available)
  local held = add_exactly(key, names.held, units.held, more_held)
  if more_available ~= 0 or not units.available then
    fields[count + 1], fields[count + 2] = names.available, available
    count = count + 2
  end
  if more_held ~= 0 or not units.held then
    fields[count + 1], fields[count + 2] = names.held, held
    count = count + 2
  end
  if units.more_incoming ~= 0 then
    fields[count + 1] = names.incoming
    fields[count + 2] = add_exactly(key, names.incoming, units.incoming, units.more_incoming)
    count = count + 2
  end
  if more_available ~= 0 or more_held ~= 0 or units.is_written then
    return Balance.join(asset, available, held), count
  end
  return nil, count
end

-- Writes the changes of one account, and publishes them.
local function write_account(command, entry)
  local key, assets = account_key(entry.account), entry.assets
  read_rest(entry)
  local seq, balance_seq = entry.seq, entry.balance_seq
  if entry.reports > 0 then seq = integer_text(seq + entry.reports) end
  -- Room for two assets from the start.
  local fields, balances = { 'seq', seq, 'balance_seq', balance_seq, nil, nil, nil, nil, nil, nil,
    nil, nil, nil, nil, nil, nil }, { nil, nil }
  local count = 4
  for index = 1, #assets do
    balances[#balances + 1], count = add_units(key, entry, assets[index], fields, count)
  end
  if #balances > 0 then
    balance_seq = integer_text(balance_seq + 1)
    fields[4] = balance_seq
  end
  call('HSET', key, unpack(fields, 1, count))
  if entry.account == FEE_ACCOUNT or (entry.reports == 0 and #balances == 0) then return end
  local event = EventHeader.join(entry.account, command.epoch, seq, balance_seq, command.now)
    .. PART .. table.concat(balances, ITEM)
  if entry.changes then event = event .. PART .. table.concat(entry.changes, PART) end
  call('XADD', '{tw}:account_log:' .. entry.account, 'MAXLEN', '~', ACCOUNT_LOG_EVENTS_MAX,
    seq .. '-' .. balance_seq, 'event', event)
  call('PUBLISH', 'account_events', event)
end
