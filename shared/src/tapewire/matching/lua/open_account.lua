-- open_account: make an account known, with what it starts with. Once: again changes nothing.
--
-- KEYS   1 account:<account>
-- ARGV   1 clock_us   2 limits   3 account   4 accounts of the venue at the most; then two values
--        each: asset ('*' = every other one), amount as decimal text. Of each asset that is traded
--        it gets so much, cut off at its decimals, 2^53 units at the most.
-- Reply  1 if it is new, 0 if it was known.
-- Errors UNKNOWN_SYMBOL (amounts are given, but nothing is traded yet: it would get none),
--        ACCOUNTS_LIMIT, SUPPLY_LIMIT <asset>.
-- Keys   accounts (set), supply (hash): include/funds.lua.
-- Events account_events: its balances.
-- @include text market book ledger command funds

if redis.call('HEXISTS', account_key(ARGV[3]), 'profile') == 1 then return 0 end
local amounts = {}
for first = 5, #ARGV, 2 do amounts[ARGV[first]] = ARGV[first + 1] end

local function starting_units(asset, decimals)
  local whole, fraction = string.match(amounts[asset] or amounts['*'] or '0', '^(%d+)%.?(%d*)$')
  fraction = string.sub(fraction .. string.rep('0', decimals), 1, decimals)
  return math.min(tonumber(whole .. fraction), EXACT_MAX)
end

local refused, gifts = opening_refusal(tonumber(ARGV[4])), {}
local pairs_of_assets = redis.call('HGETALL', '{tw}:assets')
if #ARGV > 4 and #pairs_of_assets == 0 then return redis.error_reply('UNKNOWN_SYMBOL') end
for first = 1, #pairs_of_assets, 2 do
  local asset = pairs_of_assets[first]
  local units = starting_units(asset, tonumber(pairs_of_assets[first + 1]))
  if units > 0 then gifts[#gifts + 1] = { asset = asset, units = units } end
end
table.sort(gifts, function(one, other) return one.asset < other.asset end)
for _, gift in ipairs(gifts) do refused = refused or supply_refusal(gift.asset, gift.units) end
if refused then return redis.error_reply(refused) end

local command = begin_funds('open_account')
open_account(command, ARGV[3])
for _, gift in ipairs(gifts) do move_funds(command, ARGV[3], gift.asset, gift.units) end
end_command(command, '1')
return 1
