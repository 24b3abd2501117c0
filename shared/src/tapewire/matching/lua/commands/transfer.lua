-- transfer: deposit to an account, or withdraw from its available balance.
--
-- A deposit opens an unknown account.
--
-- KEYS   1 account:<account>
-- ARGV   4 account   5 asset   6 units, negative to withdraw
--        7 reference ('' = none): repeated calls with the same reference transfer once
--        8 seconds for which a reference is kept   9 most accounts of the venue
-- Reply  {0|1, available}: 1 = the transfer was done before; `available` are units of the asset.
-- Errors DUPLICATE_REFERENCE (the reference names another transfer), UNKNOWN_ASSET, SUPPLY_LIMIT
--        <asset>, ACCOUNTS_LIMIT, UNKNOWN_ACCOUNT (of a withdrawal), INSUFFICIENT_FUNDS.
-- Keys   transfer:<account>:<reference> (string). After ARGV[8] seconds by the clock of the command
--        the reference is free again; Redis removes the key after twice that time.
-- Events account_events: its balances.

local function transfer_key(account, reference)
  return '{tw}:transfer:' .. account .. ':' .. reference
end

-- The transfer with this reference; nil if the reference is free.
local function earlier_transfer(command, account, reference, kept_s)
  local text = reference ~= '' and call('GET', transfer_key(account, reference))
  local earlier = text and Transfer.read(text)
  if earlier and earlier.time_us + kept_s * 1000000 > tonumber(command.clock_us) then
    return earlier
  end
end

local function transfer_refusal(command, account, asset, units, is_known, accounts_max)
  if units > 0 and not is_known then
    local refusal = opening_refusal(accounts_max)
    if refusal then return refusal end
  end
  local refusal = supply_refusal(asset, units)
  if refusal then return refusal end
  if units > 0 then return nil end
  if not is_known then return 'UNKNOWN_ACCOUNT' end
  if available_units(command, account, asset) + units < 0 then return 'INSUFFICIENT_FUNDS' end
end

local function transfer(command, account, asset, units_text, reference, kept_s, accounts_max)
  local available_field, units = 'available:' .. asset, tonumber(units_text)
  local earlier = earlier_transfer(command, account, reference, tonumber(kept_s))
  if earlier then
    if earlier.asset ~= asset or earlier.units ~= units_text then
      return nil, 'DUPLICATE_REFERENCE'
    end
    return { 1, call('HGET', account_key(account), available_field) }
  end
  local is_known = is_known_account(account)
  local refusal = transfer_refusal(command, account, asset, units, is_known,
    tonumber(accounts_max))
  if refusal then return nil, refusal end

  begin_funds(command)
  if not is_known then make_account(command, account) end
  move_funds(command, account, asset, units)
  if reference ~= '' then
    call('SET', transfer_key(account, reference),
      Transfer.join(asset, units_text, command.clock_us), 'EX', 2 * kept_s)
  end
  end_command(command, TransferOutcome.join(account, asset, units_text))
  return { 0, call('HGET', account_key(account), available_field) }
end
