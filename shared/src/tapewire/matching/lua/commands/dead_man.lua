-- dead_man: arm, renew or disarm the timer that cancels all orders of an account.
--
-- KEYS   1 dead_man
-- ARGV   4 account   5 timeout in microseconds (0 disarms)
-- Reply  the time at which the timer fires, in microseconds since 1970, as text; '' if disarmed.
-- Errors none.

local function dead_man(command, account, timeout_us)
  if timeout_us == '0' then
    call('ZREM', DEAD_MAN, account)
    end_command(command, '')
    return ''
  end
  local due = integer_text(command.clock_us + timeout_us)
  call('ZADD', DEAD_MAN, due, account)
  end_command(command, due)
  return due
end
