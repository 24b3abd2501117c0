-- dead_man: arm, renew or disarm the timer that cancels all orders of an account.
--
-- KEYS   1 dead_man
-- ARGV   1 clock_us   2 limits   3 account   4 timeout in microseconds (0 disarms)
-- Reply  when it fires, microseconds since 1970 as text; '' if disarmed.
-- Errors none.
-- @include text market book ledger command

local command = begin_command('dead_man')
if ARGV[4] == '0' then
  redis.call('ZREM', KEYS[1], ARGV[3])
  end_command(command, '')
  return ''
end
local due = integer_text(tonumber(command.clock_us) + tonumber(ARGV[4]))
redis.call('ZADD', KEYS[1], due, ARGV[3])
end_command(command, due)
return due
