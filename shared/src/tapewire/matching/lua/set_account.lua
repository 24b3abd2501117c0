-- set_account: block or unblock an account, give it fees of its own, or limits in one symbol.
--
-- KEYS   1 account:<account>
-- ARGV   1 clock_us   2 limits   3 account   4 state: active|blocked   5 maker_fee_ppm
--        6 taker_fee_ppm   7 symbol ('' = no limits are given)   8 open_orders_max
--        9 order_lots_max   10 order_notional_max   11 position_lots_max (0 = none)
--        Each '' = as it is, '-' = as the instrument has it.
-- Reply  {profile, limits of the symbol or ''}.
-- Errors UNKNOWN_ACCOUNT, UNKNOWN_SYMBOL.
-- @include text market book ledger command funds

local key = account_key(ARGV[3])
local profile = redis.call('HGET', key, 'profile')
if not profile then return redis.error_reply('UNKNOWN_ACCOUNT') end
local symbol = ARGV[7]
if symbol ~= '' and redis.call('EXISTS', '{tw}:market:' .. symbol) == 0 then
  return redis.error_reply('UNKNOWN_SYMBOL')
end

local function changed(values, first)
  for index = 1, #values do
    local wanted = ARGV[first + index - 1]
    if wanted == '-' then values[index] = '' elseif wanted ~= '' then values[index] = wanted end
  end
  return table.concat(values, '|')
end

local command = begin_funds('set_account')
local state, maker_fee_ppm, taker_fee_ppm, opened_us =
  string.match(profile, '^(.-)|(.-)|(.-)|(.*)$')
profile = changed({ state, maker_fee_ppm, taker_fee_ppm }, 4) .. '|' .. opened_us
redis.call('HSET', key, 'profile', profile)
local limits = ''
if symbol ~= '' then
  local field = 'limits:' .. symbol
  limits = redis.call('HGET', key, field) or '|||'
  limits = changed({ string.match(limits, '^(.-)|(.-)|(.-)|(.*)$') }, 8)
  redis.call('HSET', key, field, limits)
end
end_command(command, profile .. '|' .. limits)
return { profile, limits }
