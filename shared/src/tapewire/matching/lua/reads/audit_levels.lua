-- audit_levels: some price levels of one side, each with the number of its orders, of one moment.
-- Writes nothing.
--
-- KEYS   1 levels:<symbol>:<side>   2 queue:<symbol>:<side>
-- ARGV   2 side: buy|sell   3 cursor of HSCAN, 0 at first   4 levels to read, more or less
-- Reply  {next cursor, 0 at the end; {price, lots, number of orders, ...}}.
-- Errors none.

local function audit_levels(keys, argv)
  local side, cursor, wanted = argv[2], argv[3], argv[4]
  local page = call('HSCAN', keys[1], cursor, 'COUNT', wanted)
  local levels = {}
  for index = 1, #page[2], 2 do
    local price, lots = page[2][index], page[2][index + 1]
    local ticks = tonumber(price)
    local score = ticks and price_score(side, ticks)
    add_texts(levels, price, lots, score and call('ZCOUNT', keys[2], score, score) or 0)
  end
  return { page[1], levels }
end
