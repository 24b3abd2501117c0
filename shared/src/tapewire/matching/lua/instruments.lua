-- instruments: make instruments known to the venue or change their limits, all of them or none.
--
-- KEYS   1 instruments
-- ARGV   1 clock_us   2 limits   3 an epoch to use if the venue has none yet; then per instrument
--        four values: symbol; base|quote|tick_units|price_decimals|lot_units|quantity_decimals|
--        base_decimals|quote_decimals (fixed for life); quantity_lots_min|quantity_lots_max|
--        price_ticks_max|notional_min (may change); band_bps|open_orders_max|order_lots_max|
--        order_notional_max|position_lots_max|maker_fee_ppm|taker_fee_ppm (used when the symbol is
--        new).
-- Reply  the venue's epoch.
-- Errors INSTRUMENT_CONFLICT <symbol>: it is live with another base, quote, tick, lot or decimals.
--        ASSET_CONFLICT <asset>: it has other decimals, in an instrument that is live or named.
-- Events one JSON object on channel market_events per instrument that is new or changed.
-- Keys   epoch (string): names one unbroken life of the data; written once.
--        instruments (set): every symbol.
--        assets (hash): asset -> its decimals.
--        market:<symbol> (hash): identity, limits, and what include/market.lua lists. The revision
--        in controls grows with every change, so that no gateway works with old limits.
-- @include text market book ledger command

local WIDTH = 4
local ASSETS = '{tw}:assets'
local IDENTITY_PATTERN = '^(.-)|(.-)|(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|(%d+)$'
local assets = {}

-- Decimals of an asset; the first that names them decides.
local function is_asset_conflict(asset, decimals)
  local known = assets[asset] or redis.call('HGET', ASSETS, asset) or decimals
  assets[asset] = known
  return known ~= decimals
end

-- What every command on the market needs of its identity (include/market.lua).
local function steps_of(epoch, identity)
  local base, quote, tick_units, price_decimals, lot_units, quantity_decimals, base_decimals,
    quote_decimals = string.match(identity, IDENTITY_PATTERN)
  local base_units = lot_units * 10 ^ (base_decimals - quantity_decimals)
  local quote_units = tick_units * lot_units
    * 10 ^ (quote_decimals - price_decimals - quantity_decimals)
  return table.concat({ epoch, tick_units, price_decimals, lot_units, quantity_decimals, base,
    quote, integer_text(base_units), integer_text(quote_units) }, '|')
end

for first = 4, #ARGV, WIDTH do
  local live = redis.call('HGET', '{tw}:market:' .. ARGV[first], 'identity')
  -- Changing it would change the meaning of every resting order.
  if live and live ~= ARGV[first + 1] then
    return redis.error_reply('INSTRUMENT_CONFLICT ' .. ARGV[first])
  end
  local base, quote, _, _, _, _, base_decimals, quote_decimals = string.match(ARGV[first + 1],
    IDENTITY_PATTERN)
  if is_asset_conflict(base, base_decimals) then
    return redis.error_reply('ASSET_CONFLICT ' .. base)
  end
  if is_asset_conflict(quote, quote_decimals) then
    return redis.error_reply('ASSET_CONFLICT ' .. quote)
  end
end

local is_first = redis.call('SET', '{tw}:epoch', ARGV[3], 'NX')
local epoch = redis.call('GET', '{tw}:epoch')
local command = begin_command('instruments')
local changed = {}
if is_first then
  redis.call('SADD', '{tw}:accounts', FEE_ACCOUNT)
  redis.call('HSET', account_key(FEE_ACCOUNT), 'profile', 'active|||' .. command.clock_us)
end
for asset, decimals in pairs(assets) do redis.call('HSETNX', ASSETS, asset, decimals) end
for first = 4, #ARGV, WIDTH do
  local symbol, identity, limits = ARGV[first], ARGV[first + 1], ARGV[first + 2]
  local key = '{tw}:market:' .. symbol
  if redis.call('HGET', key, 'limits') ~= limits then
    local is_new = redis.call('SADD', KEYS[1], symbol) == 1
    if is_new then
      redis.call('HSET', key, 'identity', identity, 'limits', limits, 'state', '0|0||0',
        'steps', steps_of(epoch, identity),
        'controls', 'trading|1|' .. ARGV[first + 3])
    else
      local state, revision, rest = string.match(redis.call('HGET', key, 'controls'),
        '^(.-)|(%d+)|(.*)$')
      redis.call('HSET', key, 'limits', limits, 'controls',
        state .. '|' .. integer_text(revision + 1) .. '|' .. rest)
    end
    changed[#changed + 1] = symbol
    local now_state = string.match(redis.call('HGET', key, 'controls'), '^[^|]*')
    redis.call('PUBLISH', 'market_events', '{"symbol":"' .. symbol .. '","state":"' .. now_state
      .. '","change":"' .. (is_new and 'added' or 'changed') .. '","timestamp":"'
      .. timestamp_text(tonumber(command.clock_us)) .. '","epoch":"' .. epoch .. '"}')
  end
end
if is_first or #changed > 0 then
  end_command(command, epoch .. '|' .. table.concat(changed, ','))
end
return epoch
