-- audit_levels: some price levels of one side, each with the number of orders that stand at it, as
-- one moment has them. Writes nothing.
--
-- KEYS   1 levels:<symbol>:<side>   2 queue:<symbol>:<side>
-- ARGV   1 side: buy|sell   2 cursor of HSCAN, 0 at first   3 levels to read, more or less
-- Reply  {next cursor, 0 at the end; {price, lots, number of orders, ...}}.
-- Errors none.
-- @include text market book

local page = redis.call('HSCAN', KEYS[1], ARGV[2], 'COUNT', ARGV[3])
local levels = {}
for index = 1, #page[2], 2 do
  local ticks = tonumber(page[2][index])
  local score = ticks and price_score(ARGV[1], ticks)
  levels[#levels + 1] = page[2][index]
  levels[#levels + 1] = page[2][index + 1]
  levels[#levels + 1] = score and redis.call('ZCOUNT', KEYS[2], score, score) or 0
end
return { page[1], levels }
