-- transfer: deposit to an account, or withdraw of what it has free.
--
-- A deposit opens an account that is not known yet.
--
-- KEYS   1 account:<account>
-- ARGV   1 clock_us   2 limits   3 account   4 asset   5 units, negative to withdraw
--        6 reference ('' = none): the same transfer asked for again is done once
--        7 how long a reference is kept, in seconds   8 accounts of the venue at the most
-- Reply  {0|1, available}: 1 = it was done before; what the account has free of it, in units.
-- Errors DUPLICATE_REFERENCE (it stands for another transfer), UNKNOWN_ASSET, SUPPLY_LIMIT <asset>,
--        ACCOUNTS_LIMIT, UNKNOWN_ACCOUNT (withdrawing), INSUFFICIENT_FUNDS.
-- Keys   transfer:<account>:<reference> (string): asset|units|time_us. A reference that is older
--        than it is kept is free again, by the clock of the command; Redis forgets it some time
--        later.
-- Events account_events: its balances.
-- @include text market book ledger command funds

local account, asset, units, reference = ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
local key, kept_s = account_key(account), tonumber(ARGV[7])
local command = begin_funds('transfer')
local reference_key = '{tw}:transfer:' .. account .. ':' .. reference
local earlier = reference ~= '' and redis.call('GET', reference_key)
if earlier then
  local body, time_us = string.match(earlier, '^(.*)|(%d+)$')
  if time_us + kept_s * 1000000 > tonumber(command.clock_us) then
    if body ~= asset .. '|' .. ARGV[5] then return redis.error_reply('DUPLICATE_REFERENCE') end
    return { 1, redis.call('HGET', key, 'available:' .. asset) }
  end
end

local is_known = redis.call('HEXISTS', key, 'profile') == 1

local function refusal()
  if units > 0 and not is_known then
    local refused = opening_refusal(tonumber(ARGV[8]))
    if refused then return refused end
  end
  local refused = supply_refusal(asset, units)
  if refused then return refused end
  if units > 0 then return end
  if not is_known then return 'UNKNOWN_ACCOUNT' end
  if available_units(command, account, asset) + units < 0 then return 'INSUFFICIENT_FUNDS' end
end

local refused = refusal()
if refused then return redis.error_reply(refused) end

if not is_known then open_account(command, account) end
move_funds(command, account, asset, units)
if reference ~= '' then
  redis.call('SET', reference_key, asset .. '|' .. ARGV[5] .. '|' .. command.clock_us, 'EX',
    2 * kept_s)
end
end_command(command, account .. '|' .. asset .. '|' .. ARGV[5])
return { 0, redis.call('HGET', key, 'available:' .. asset) }
