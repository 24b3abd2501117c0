-- open_account: open an account with its start balances. A second call changes nothing.
--
-- KEYS   1 account:<account>
-- ARGV   4 account   5 most accounts of the venue; then pairs of asset ('*' = every other asset)
--        and amount as decimal text. The account gets the amount of each traded asset, cut off at
--        the decimals of the asset, at most 2^53 units.
-- Reply  1 if the account is new, 0 if it was known.
-- Errors UNKNOWN_SYMBOL (amounts are given, and the venue has no instrument), ACCOUNTS_LIMIT,
--        SUPPLY_LIMIT <asset>.
-- Keys   accounts (set), supply (hash): core/funds.lua.
-- Events account_events: its balances.

-- A decimal amount in units of an asset, cut off at its decimals.
local function starting_units(amount, decimals)
  local whole, fraction = match_text(amount, '^(%d+)%.?(%d*)$')
  fraction = string.sub(fraction .. string.rep('0', decimals), 1, decimals)
  return min(tonumber(whole .. fraction), EXACT_MAX)
end

local function by_asset(one, other) return one.asset < other.asset end

-- The start balance of each traded asset, sorted by asset.
local function gifts_of(argv, traded)
  local amounts, gifts = {}, {}
  for first = 6, #argv, 2 do amounts[argv[first]] = argv[first + 1] end
  for first = 1, #traded, 2 do
    local asset = traded[first]
    local units = starting_units(amounts[asset] or amounts['*'] or '0', tonumber(traded[first + 1]))
    if units > 0 then gifts[#gifts + 1] = { asset = asset, units = units } end
  end
  table.sort(gifts, by_asset)
  return gifts
end

local function open_account(command, account, accounts_max)
  if is_known_account(account) then return 0 end
  local refusal, traded = opening_refusal(tonumber(accounts_max)), call('HGETALL', ASSETS)
  if #command.argv > 5 and #traded == 0 then return nil, 'UNKNOWN_SYMBOL' end
  local gifts = gifts_of(command.argv, traded)
  for _, gift in ipairs(gifts) do refusal = refusal or supply_refusal(gift.asset, gift.units) end
  if refusal then return nil, refusal end

  begin_funds(command)
  make_account(command, account)
  for _, gift in ipairs(gifts) do move_funds(command, account, gift.asset, gift.units) end
  end_command(command, '1')
  return 1
end
