-- Contract: numbers and times as text, exactly as the wire shows them. Pure; no keys, no errors.
-- Lua numbers are doubles and `..` prints only 14 digits, so every number becomes text here.
-- '%d' is exact up to 2^53 (Lua casts to a 64-bit long) and five times as fast as '%.0f'. Redis
-- itself takes whole numbers as they are, with 17 digits.
-- Digits become a number by `+ 0`, which costs half of what tonumber costs.

-- redis.call and functions of Lua, which do not exist yet while Redis loads the library. The frame
-- of each call (core/frame.lua) finds them.
local call, format, match_text, floor, min, max

local function find_globals()
  if call then return end
  call = redis.call
  format, match_text = string.format, string.match
  floor, min, max = math.floor, math.min, math.max
end

-- A function that remembers the results of a pure function of one text or number. The argument
-- alone decides the result, so that remembering is safe on replicas and after a restart.
local REMEMBERED_MAX = 4096

local function remembering(compute)
  local results, count = {}, 0
  return function(argument)
    local result = results[argument]
    if result == nil then
      if count == REMEMBERED_MAX then results, count = {}, 0 end
      result = compute(argument)
      results[argument], count = result, count + 1
    end
    return result
  end
end

-- Every second number of a command is zero, and zero needs no formatting.
local function integer_text(number)
  if number == 0 then return '0' end
  return format('%d', number)
end

-- Prices and quantities repeat, so their text is remembered. Use integer_text for numbers that
-- grow, such as sequences and balances.
local common_text = remembering(integer_text)

-- Count of 10^-decimals as decimal text: decimal_text(6000000, 2) is '60000.00'.
local function decimal_text(units, decimals)
  local digits = integer_text(units)
  if decimals == 0 then return digits end
  if #digits <= decimals then digits = string.rep('0', decimals + 1 - #digits) .. digits end
  return string.sub(digits, 1, -decimals - 1) .. '.' .. string.sub(digits, -decimals)
end

-- A whole second since 1970 as ISO 8601, up to the point. Days to date: Howard Hinnant,
-- "chrono-compatible low-level date algorithms", civil_from_days.
local function second_text(seconds)
  local second_of_day = seconds % 86400
  local shifted = (seconds - second_of_day) / 86400 + 719468
  local day_of_era = shifted % 146097
  local year_of_era = day_of_era - floor(day_of_era / 1460) + floor(day_of_era / 36524)
    - floor(day_of_era / 146096)
  year_of_era = floor(year_of_era / 365)
  local leaps = floor(year_of_era / 4) - floor(year_of_era / 100)
  local day_of_year = day_of_era - 365 * year_of_era - leaps
  local month_index = floor((5 * day_of_year + 2) / 153)
  local day = day_of_year - floor((153 * month_index + 2) / 5) + 1
  local month = month_index < 10 and month_index + 3 or month_index - 9
  local year = year_of_era + floor(shifted / 146097) * 400 + (month <= 2 and 1 or 0)
  local second, minute = second_of_day % 60, second_of_day % 3600
  return format('%04d-%02d-%02dT%02d:%02d:%02d.', year, month, day, (second_of_day - minute) / 3600,
    (minute - second) / 60, second)
end

local known_second_text = remembering(second_text)

-- Microseconds since 1970 as ISO 8601 UTC.
local function timestamp_text(time_us)
  local micros = time_us % 1000000
  return known_second_text((time_us - micros) / 1000000) .. format('%06dZ', micros)
end

-- Adds texts to a flat list; a missing text becomes ''.
local function add_texts(list, ...)
  for index = 1, select('#', ...) do list[#list + 1] = select(index, ...) or '' end
end
