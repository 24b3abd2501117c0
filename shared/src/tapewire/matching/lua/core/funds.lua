-- Contract: opening of accounts, deposits and withdrawals.
-- Keys   accounts (set): every account; the fee account from the beginning (instruments.lua).
--        supply (hash): asset -> units deposited minus units withdrawn, over all accounts. The sum
--        of available and held units of all accounts always equals it.

local ACCOUNTS, SUPPLY, ASSETS = '{tw}:accounts', '{tw}:supply', '{tw}:assets'

-- Prepares a command without a market.
local function begin_funds(command)
  command.epoch, command.now = call('GET', '{tw}:epoch') or '', command.clock_us
end

local function opening_refusal(accounts_max)
  if call('SCARD', ACCOUNTS) >= accounts_max then return 'ACCOUNTS_LIMIT' end
end

-- The refusal of more units of an asset; nil for none.
local function supply_refusal(asset, units)
  if call('HEXISTS', ASSETS, asset) == 0 then return 'UNKNOWN_ASSET ' .. asset end
  if (call('HGET', SUPPLY, asset) or 0) + units > BALANCE_UNITS_MAX then
    return 'SUPPLY_LIMIT ' .. asset
  end
end

local function is_known_account(account)
  return call('HEXISTS', account_key(account), 'profile') == 1
end

local function new_profile(clock_us)
  return Profile.join('active', '', '', clock_us)
end

local function make_account(command, account)
  call('SADD', ACCOUNTS, account)
  call('HSETNX', account_key(account), 'profile', new_profile(command.clock_us))
end

-- Deposits units, or withdraws them (negative).
local function move_funds(command, account, asset, units)
  call('HINCRBY', SUPPLY, asset, integer_text(units))
  change_balance(command, account, asset, units, 0, 0)
end
