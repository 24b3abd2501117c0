-- Contract: the functions of the library as Redis calls them.
-- ARGV   1 load id; of a command also 2 clock, 3 limits (core/command.lua), then its own arguments.
-- Errors NOT_LOADED: the library was loaded again after the caller asked for its load id.
--        MARKET_BROKEN <symbol>: the command failed half way (core/broken.lua).
--        CLOCK_JUMPED: the clock of Redis is not near the time that the caller gave.
--
-- A caller sends many commands without waiting for answers. If Redis loses the library and another
-- caller loads it again meanwhile, Redis does not know the function of an earlier command and runs
-- a later command, before the caller repeats the earlier one. Every load therefore has an id of its
-- own. Calls with the id of an older load are refused until the caller has asked for the new id.
-- The order of a caller's commands never changes.

local NAMED_ARGUMENTS_MAX = 24

local function refused(code)
  return redis.error_reply(code)
end

local function register_command(name, run, flags)
  redis.register_function({
    function_name = name .. '_' .. DIGEST,
    callback = function(_, argv)
      if argv[1] ~= LOAD_ID then return refused('NOT_LOADED') end
      find_globals()
      -- Commands with lists of any length read them from command.argv.
      local command = begin_command(name, argv)
      if not command then return refused('CLOCK_JUMPED') end
      local is_done, reply, code = pcall(run, command, unpack(argv, 4, NAMED_ARGUMENTS_MAX))
      if not is_done then return answer_failure(command, reply) end
      if code then return refused(code) end
      return reply
    end,
    flags = flags,
  })
end

local function register_read(name, run)
  redis.register_function({
    function_name = name .. '_' .. DIGEST,
    callback = function(keys, argv)
      if argv[1] ~= LOAD_ID then return refused('NOT_LOADED') end
      find_globals()
      return run(keys, argv)
    end,
    flags = { 'no-writes' },
  })
end

redis.register_function({
  function_name = 'load_id_' .. DIGEST,
  callback = function() return LOAD_ID end,
  flags = { 'no-writes' },
})
