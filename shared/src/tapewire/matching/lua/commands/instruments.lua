-- instruments: list instruments or change their limits, all of them or none.
--
-- KEYS   1 instruments
-- ARGV   4 an epoch to use if the venue has none yet; then per instrument four values: symbol,
--        Identity (fixed for life), InstrumentLimits (may change), Bounds (used when the symbol is
--        new), packed as tapewire/packed/layout.py lists them; then '1' if instruments that were
--        delisted are listed again, otherwise they stay delisted.
-- Reply  the venue's epoch.
-- Errors INSTRUMENT_CONFLICT <symbol>: the venue has it with another base, quote, tick, lot or
--        decimals. MARKET_BROKEN <symbol>: its record cannot be read.
--        ASSET_CONFLICT <asset>: another instrument of the venue or of the call has the asset with
--        other decimals.
-- Events one JSON object on channel market_events per instrument that is new or changed.
-- Keys   epoch (string): names one unbroken life of the data; written once.
--        format (string): the format of the data; FORMAT is that of this library.
--        instruments (set): every listed symbol; delisted (set): symbols taken off the list.
--        assets (hash): asset -> its decimals.
--        market:<symbol> (hash): core/market.lua. The revision in controls grows with every change
--        of limits, so that no gateway works with old limits.

local DELISTED = '{tw}:delisted'

-- The fields of the identity that every command on the market needs.
local function steps_of(epoch, identity)
  local base_units = identity.lot_units
    * 10 ^ (identity.base_decimals - identity.quantity_decimals)
  local quote_units = identity.tick_units * identity.lot_units
    * 10 ^ (identity.quote_decimals - identity.price_decimals - identity.quantity_decimals)
  return Steps.write({
    epoch = epoch, tick_units = identity.tick_units, price_decimals = identity.price_decimals,
    lot_units = identity.lot_units, quantity_decimals = identity.quantity_decimals,
    base = identity.base, quote = identity.quote, base_units = base_units,
    quote_units = quote_units,
  })
end

-- Four arguments per instrument, as tables. Delisted instruments that stay delisted are left out.
local function named_instruments(argv)
  local named, lists_again = {}, #argv % 4 == 1 and argv[#argv] == '1'
  for first = 5, #argv - 3, 4 do
    if lists_again or call('SISMEMBER', DELISTED, argv[first]) == 0 then
      named[#named + 1] = {
        symbol = argv[first], identity_text = argv[first + 1],
        identity = Identity.read(argv[first + 1]), limits = argv[first + 2],
        bounds = argv[first + 3],
      }
    end
  end
  return named
end

-- The refusal of the instruments; `assets` gets the decimals of each of their assets.
local function instruments_refusal(command, named, assets)
  for _, item in ipairs(named) do
    local is_sound = pcall(read_market, item.symbol, command.clock_us)
    if not is_sound then return 'MARKET_BROKEN ' .. item.symbol end
    local live = call('HGET', market_key(item.symbol), 'identity')
    -- Another identity would change the meaning of every resting order.
    if live and live ~= item.identity_text then return 'INSTRUMENT_CONFLICT ' .. item.symbol end
    local identity = item.identity
    for asset, decimals in pairs({ [identity.base] = identity.base_decimals,
      [identity.quote] = identity.quote_decimals }) do
      local known = assets[asset] or tonumber(call('HGET', ASSETS, asset) or decimals)
      assets[asset] = known
      if known ~= decimals then return 'ASSET_CONFLICT ' .. asset end
    end
  end
end

-- Lists an instrument that was delisted: numbers, last price and clock of its market go on.
local function list_again(key, item)
  local revision = integer_text(Controls.read(call('HGET', key, 'controls')).revision + 1)
  call('SREM', DELISTED, item.symbol)
  call('HSET', key, 'limits', item.limits,
    'controls', Controls.join('trading', revision, Bounds.split(item.bounds)))
end

-- Writes an instrument that is new, or whose limits changed; returns whether it was new.
local function write_instrument(epoch, item)
  local key = market_key(item.symbol)
  if call('SADD', '{tw}:instruments', item.symbol) == 1 then
    if call('SISMEMBER', DELISTED, item.symbol) == 1 then
      list_again(key, item)
      return true
    end
    call('HSET', key, 'identity', item.identity_text, 'limits', item.limits,
      'state', MarketState.join('0', '0', '', '0'), 'steps', steps_of(epoch, item.identity),
      'controls', Controls.join('trading', '1', Bounds.split(item.bounds)))
    return true
  end
  local controls = Controls.read(call('HGET', key, 'controls'))
  controls.revision = integer_text(controls.revision + 1)
  call('HSET', key, 'limits', item.limits, 'controls', Controls.write(controls))
  return false
end

-- Whether Redis has an instrument as the caller wants it.
local function is_as_wanted(item)
  return call('HGET', market_key(item.symbol), 'limits') == item.limits
    and call('SISMEMBER', DELISTED, item.symbol) == 0
end

local function instruments(command, proposed_epoch)
  local named, assets, changed_symbols = named_instruments(command.argv), {}, {}
  local refusal = instruments_refusal(command, named, assets)
  if refusal then return nil, refusal end
  local is_first = call('SET', '{tw}:epoch', proposed_epoch, 'NX')
  local epoch = call('GET', '{tw}:epoch')
  if is_first then
    call('SET', '{tw}:format', FORMAT)
    call('SADD', ACCOUNTS, FEE_ACCOUNT)
    call('HSET', account_key(FEE_ACCOUNT), 'profile', new_profile(command.clock_us))
  end
  for asset, decimals in pairs(assets) do call('HSETNX', ASSETS, asset, decimals) end
  for _, item in ipairs(named) do
    if not is_as_wanted(item) then
      local is_new = write_instrument(epoch, item)
      changed_symbols[#changed_symbols + 1] = item.symbol
      publish_market(item.symbol, market_mode(item.symbol), is_new and 'added' or 'changed',
        timestamp_text(tonumber(command.clock_us)), epoch)
    end
  end
  if is_first or #changed_symbols > 0 then
    end_command(command, Introduction.join(epoch, table.concat(changed_symbols, ',')))
  end
  return epoch
end
