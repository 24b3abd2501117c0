-- Contract: accounts of format 1, brought to the present format.
-- Keys   account:<account> (hash), in format 1: seq, balance_seq; available:<asset>, held:<asset>,
--        incoming:<asset> = units of an asset, each in a field of its own. A missing field is 0.

local function account_key(account)
  return '{tw}:account:' .. account
end

-- Packs the fields of an account of format 1; returns whether there were any.
local function upgrade_account(key)
  local fields, earlier, values = call('HGETALL', key), {}, {}
  local balances = {}
  for index = 1, #fields, 2 do
    local name, value = fields[index], fields[index + 1]
    local part, asset = match_text(name, '^(%l+):(.+)$')
    if part == 'available' or part == 'held' or part == 'incoming' then
      balances[asset] = balances[asset] or { available = '0', held = '0', incoming = '0' }
      balances[asset][part] = value
      earlier[#earlier + 1] = name
    elseif name == 'seq' or name == 'balance_seq' then
      values[name] = value
      earlier[#earlier + 1] = name
    end
  end
  if #earlier == 0 then return false end
  call('HSET', key, 'position', LogPosition.join(values.seq or '0', values.balance_seq or '0'))
  for asset, balance in pairs(balances) do
    call('HSET', key, 'balance:' .. asset, Holdings.write(balance))
  end
  call('HDEL', key, unpack(earlier))
  return true
end
