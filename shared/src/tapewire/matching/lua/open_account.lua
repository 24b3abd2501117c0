-- open_account: make an account known, with what it starts with. Once: again changes nothing.
--
-- KEYS   1 account:<account>
-- ARGV   1 clock_us   2 limits   3 account   4 accounts of the venue at the most; then per asset two
--        values: asset, units
-- Reply  1 if it is new, 0 if it was known.
-- Errors UNKNOWN_ASSET, ACCOUNTS_LIMIT, SUPPLY_LIMIT <asset>.
-- Keys   accounts (set), supply (hash): include/funds.lua.
-- Events account_events: its balances.
-- @include text market book ledger candles command funds

if redis.call('HEXISTS', account_key(ARGV[3]), 'profile') == 1 then return 0 end
local refused = opening_refusal(tonumber(ARGV[4]))
for first = 5, #ARGV, 2 do
  refused = refused or supply_refusal(ARGV[first], tonumber(ARGV[first + 1]))
end
if refused then return redis.error_reply(refused) end

local command = begin_funds('open_account')
open_account(command, ARGV[3])
for first = 5, #ARGV, 2 do
  move_funds(command, ARGV[3], ARGV[first], tonumber(ARGV[first + 1]))
end
end_command(command, '1')
return 1
