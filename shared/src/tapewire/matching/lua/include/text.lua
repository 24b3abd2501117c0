-- Contract: numbers and times as text, exactly as the wire shows them. Pure; no keys, no errors.
-- Lua numbers are doubles and `..` prints only 14 digits, so every number goes through here.
-- '%d' is exact up to 2^53 (Lua casts to a 64-bit long) and five times as quick as '%.0f'.

local function integer_text(number)
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
-- low-level date algorithms", civil_from_days.
local function timestamp_text(time_us)
  local seconds = math.floor(time_us / 1000000)
  local days = math.floor(seconds / 86400)
  local second_of_day = seconds - days * 86400
  local shifted = days + 719468
  local era = math.floor(shifted / 146097)
  local day_of_era = shifted - era * 146097
  local year_of_era = math.floor((day_of_era - math.floor(day_of_era / 1460)
    + math.floor(day_of_era / 36524) - math.floor(day_of_era / 146096)) / 365)
  local day_of_year = day_of_era
    - (365 * year_of_era + math.floor(year_of_era / 4) - math.floor(year_of_era / 100))
  local month_index = math.floor((5 * day_of_year + 2) / 153)
  local day = day_of_year - math.floor((153 * month_index + 2) / 5) + 1
  local month = month_index < 10 and month_index + 3 or month_index - 9
  local year = year_of_era + era * 400 + (month <= 2 and 1 or 0)
  return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%06dZ', year, month, day,
    math.floor(second_of_day / 3600), math.floor(second_of_day / 60) % 60, second_of_day % 60,
    time_us - seconds * 1000000)
end
