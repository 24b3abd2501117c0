-- Contract: accounts are opened, and money comes into the venue or leaves it.
-- Keys   accounts (set): every account; the fee account from the beginning (instruments.lua).
--        supply (hash): asset -> units deposited minus units withdrawn, of all accounts. The sum of
--        what all accounts have free and held is the same, always.

local ACCOUNTS, SUPPLY = '{tw}:accounts', '{tw}:supply'

-- A command that is about no market.
local function begin_funds(op)
  local command = begin_command(op)
  command.epoch, command.now = redis.call('GET', '{tw}:epoch') or '', command.clock_us
  return command
end

local function opening_refusal(accounts_max)
  if redis.call('SCARD', ACCOUNTS) >= accounts_max then return 'ACCOUNTS_LIMIT' end
end

-- Why this many units more of an asset cannot be; nil if they can.
local function supply_refusal(asset, units)
  if redis.call('HEXISTS', '{tw}:assets', asset) == 0 then return 'UNKNOWN_ASSET ' .. asset end
  if (redis.call('HGET', SUPPLY, asset) or 0) + units > BALANCE_UNITS_MAX then
    return 'SUPPLY_LIMIT ' .. asset
  end
end

local function open_account(command, account)
  redis.call('SADD', ACCOUNTS, account)
  redis.call('HSETNX', account_key(account), 'profile', 'active|||' .. command.clock_us)
end

-- Units come in, or leave (negative).
local function move_funds(command, account, asset, units)
  redis.call('HINCRBY', SUPPLY, asset, integer_text(units))
  change_balance(command, account, asset, units, 0, 0)
end
