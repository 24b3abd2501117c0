-- Contract: a market whose data contradict each other is halted and listed as broken, until an
-- operator has corrected the data. A command that fails half way leaves such a market as well,
-- because Redis does not roll back.
-- Keys   broken (hash): symbol -> Broken (tapewire/packed/layout.py): when, in which command, why.
--        market:<symbol>, field broken: 1 while the symbol is in that hash.
-- Errors MARKET_BROKEN <symbol>: answered by every command on the market before its first write.
-- Events market_events, when the market is halted for it.

local BROKEN = '{tw}:broken'

-- Refusals of Redis itself, which say nothing about a market.
local OF_REDIS = { OOM = true, READONLY = true, MISCONF = true, NOREPLICAS = true, NOPERM = true,
  CLUSTERDOWN = true, MOVED = true, ASK = true, TRYAGAIN = true, BUSY = true }

local function error_text(failure)
  return type(failure) == 'table' and failure.err or tostring(failure)
end

-- Writes the state halted into the controls of the market, if the controls can be read.
local function halt_broken(symbol, clock_us)
  local key = market_key(symbol)
  local controls = Controls.read(call('HGET', key, 'controls'))
  if not controls.state then return end
  controls.state = 'halted'
  call('HSET', key, 'controls', Controls.write(controls))
  -- The auction of a halted market ends.
  call('SREM', '{tw}:auctions', symbol)
  call('HDEL', key, 'indicative')
  publish_market(symbol, 'halted', 'state', timestamp_text(clock_us + 0), call('GET', '{tw}:epoch'))
end

-- Lists a market as broken, once. Keys of a wrong type cause no error here (pcall).
local function mark_broken(symbol, clock_us, op, failure)
  if redis.pcall('HEXISTS', BROKEN, symbol) == 1 then return end
  redis.pcall('HSET', BROKEN, symbol, Broken.join(clock_us, op, error_text(failure)))
  redis.pcall('HSET', market_key(symbol), 'broken', '1')
  pcall(halt_broken, symbol, clock_us)
end

-- The contradiction in the record of a market as a sentence; nil if none is found.
local function market_fault(symbol, clock_us)
  local is_read, market = pcall(read_market, symbol, clock_us)
  if not is_read then return error_text(market) end
  if not market then return 'it has no record' end
  local newest = call('XREVRANGE', '{tw}:trades:' .. symbol, '+', '-', 'COUNT', 1)[1]
  local logged = newest and match_text(newest[1], '^(%d+)-0$') + 0 or 0
  if logged > market.seq then
    return 'its trade log ends at ' .. integer_text(logged) .. ', its sequence at '
      .. integer_text(market.seq)
  end
end

-- Lets a market trade again after an operator has corrected its data; false if a fault is left.
local function clear_broken(symbol, clock_us)
  redis.pcall('HDEL', market_key(symbol), 'broken')
  local is_read, fault = pcall(market_fault, symbol, clock_us)
  if not is_read or fault then
    redis.pcall('HSET', market_key(symbol), 'broken', '1')
    return false
  end
  call('HDEL', BROKEN, symbol)
  return true
end

-- The answer to a command that failed half way.
local function answer_failure(command, failure)
  local text = error_text(failure)
  if OF_REDIS[match_text(text, '^(%u+)') or ''] then return redis.error_reply(text) end
  local symbol
  -- The gathered changes of all markets of the command are lost.
  for used in pairs(command.markets) do
    mark_broken(used, command.clock_us, command.op, failure)
    symbol = used
  end
  return redis.error_reply(symbol and 'MARKET_BROKEN ' .. symbol or text)
end
