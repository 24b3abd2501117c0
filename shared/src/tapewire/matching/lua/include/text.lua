-- Contract: numbers and times as text, exactly as the wire shows them. Pure; no keys, no errors.
-- Lua numbers are doubles and `..` prints only 14 digits, so every number goes through here.
-- '%d' is exact up to 2^53 (Lua casts to a 64-bit long) and five times as quick as '%.0f'. Redis
-- itself takes whole numbers as they are, with 17 digits.
-- Digits become a number by `+ 0` where there are some for sure: half the cost of tonumber.

-- Every second number of a command is zero: that one needs no formatting.
local function integer_text(number)
  if number == 0 then return '0' end
  return string.format('%d', number)
end

-- Count of 10^-decimals as decimal text: decimal_text(6000000, 2) is '60000.00'.
local function decimal_text(units, decimals)
  local digits = integer_text(units)
  if decimals == 0 then return digits end
  if #digits <= decimals then digits = string.rep('0', decimals + 1 - #digits) .. digits end
  return string.sub(digits, 1, -decimals - 1) .. '.' .. string.sub(digits, -decimals)
end

-- Microseconds since 1970 as ISO 8601 UTC. Days to date: Howard Hinnant, "chrono-compatible
-- low-level date algorithms", civil_from_days. `x - x % n` and `(x - x % n) / n` are whole numbers
-- without a call, which is what makes it quick: every command needs one.
local function timestamp_text(time_us)
  local micros = time_us % 1000000
  local seconds = (time_us - micros) / 1000000
  local second_of_day = seconds % 86400
  local shifted = (seconds - second_of_day) / 86400 + 719468
  local day_of_era = shifted % 146097
  local year_of_era = day_of_era - (day_of_era - day_of_era % 1460) / 1460
    + (day_of_era - day_of_era % 36524) / 36524 - (day_of_era - day_of_era % 146096) / 146096
  year_of_era = (year_of_era - year_of_era % 365) / 365
  local leaps = (year_of_era - year_of_era % 4) / 4 - (year_of_era - year_of_era % 100) / 100
  local day_of_year = day_of_era - 365 * year_of_era - leaps
  local fifths = 5 * day_of_year + 2
  local month_index = (fifths - fifths % 153) / 153
  local days_before = 153 * month_index + 2
  local day = day_of_year - (days_before - days_before % 5) / 5 + 1
  local month = month_index < 10 and month_index + 3 or month_index - 9
  local year = year_of_era + (shifted - day_of_era) / 146097 * 400 + (month <= 2 and 1 or 0)
  local second, minute = second_of_day % 60, second_of_day % 3600
  return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%06dZ', year, month, day,
    (second_of_day - minute) / 3600, (minute - second) / 60, second, micros)
end
