-- log_page: the newest entries of an account's log from an entry id down, newest first. Writes
-- nothing.
--
-- KEYS   1 account_log:<account>
-- ARGV   2 the highest entry id ('+' or '(' and an id: below it)   3 most entries
--        4 bytes after which the page ends; it has at least one entry
-- Reply  {0|1, id, event, id, event, ...}: 1 = the log has more entries below.
-- Errors none.

local function log_page(keys, argv)
  local highest, entries_max, bytes_max = argv[2], tonumber(argv[3]), tonumber(argv[4])
  local page, bytes = { 0 }, 0
  for _ = 1, entries_max do
    local entry = call('XREVRANGE', keys[1], highest, '-', 'COUNT', 1)[1]
    if not entry then return page end
    if bytes >= bytes_max then
      page[1] = 1
      return page
    end
    local event = entry[2][2]
    page[#page + 1], page[#page + 2] = entry[1], event
    bytes, highest = bytes + #event, '(' .. entry[1]
  end
  page[1] = #call('XREVRANGE', keys[1], highest, '-', 'COUNT', 1)
  return page
end
