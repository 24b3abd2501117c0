-- set_account: block or unblock an account, set its own fees, or its own limits in one symbol.
--
-- KEYS   1 account:<account>
-- ARGV   4 account   5 state: active|blocked   6 maker_fee_ppm   7 taker_fee_ppm
--        8 symbol ('' = no limits are given)   9 open_orders_max   10 order_lots_max
--        11 order_notional_max   12 position_lots_max (0 = none)
--        Each '' = as it is, '-' = as the instrument has it.
-- Reply  {profile, limits of the symbol or ''}.
-- Errors UNKNOWN_ACCOUNT, UNKNOWN_SYMBOL.
-- Events one JSON object on channel account_events; it has no number and is in no log.

-- The new value: `wanted`; the present `value` if `wanted` is ''; '' (the instrument's) for '-'.
local function own_setting(wanted, value)
  if wanted == '-' then return '' end
  return changed(wanted, value)
end

local function set_account(command, account, state, maker_fee_ppm, taker_fee_ppm, symbol,
    open_orders_max, order_lots_max, order_notional_max, position_lots_max)
  local key = account_key(account)
  local profile_text = call('HGET', key, 'profile')
  if not profile_text then return nil, 'UNKNOWN_ACCOUNT' end
  if symbol ~= '' and call('EXISTS', market_key(symbol)) == 0 then return nil, 'UNKNOWN_SYMBOL' end

  begin_funds(command)
  local profile = Profile.read(profile_text)
  profile.state = own_setting(state, profile.state)
  profile.maker_fee_ppm = own_setting(maker_fee_ppm, profile.maker_fee_ppm)
  profile.taker_fee_ppm = own_setting(taker_fee_ppm, profile.taker_fee_ppm)
  profile_text = Profile.write(profile)
  call('HSET', key, 'profile', profile_text)
  local bounds_text = ''
  if symbol ~= '' then
    local field = 'limits:' .. symbol
    local bounds = account_bounds(call('HGET', key, field))
    bounds_text = AccountBounds.join(own_setting(open_orders_max, bounds.open_orders_max),
      own_setting(order_lots_max, bounds.order_lots_max),
      own_setting(order_notional_max, bounds.order_notional_max),
      own_setting(position_lots_max, bounds.position_lots_max))
    call('HSET', key, field, bounds_text)
  end
  end_command(command, AccountOutcome.join(profile_text, bounds_text))
  call('PUBLISH', 'account_events', '{"account":"' .. account .. '","state":"' .. profile.state
    .. '","timestamp":"' .. timestamp_text(command.clock_us + 0) .. '","epoch":"' .. command.epoch
    .. '"}')
  return { profile_text, bounds_text }
end
