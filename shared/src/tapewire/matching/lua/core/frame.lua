-- Contract: how Redis calls the functions of the library, and in which order it refuses them.
-- ARGV   1 load id; a command then takes 2 clock, 3 limits (core/command.lua); the rest is its own.
-- Errors NOT_LOADED: the library was loaded again since the caller asked for its load id.
--        MARKET_BROKEN <symbol>: the command failed half way (core/broken.lua).
--        CLOCK_JUMPED: the clock of Redis is not within the times that the caller gave.
--
-- A caller sends many commands without waiting for answers. If the library is lost between two of
-- them and another caller loads it again, the first is unknown to Redis and the second is not: it
-- would run before the first is repeated. Every load therefore has an id of its own. A call with
-- the id of an older load is refused, and so are all calls behind it, until the caller has asked
-- for the new id. The order of a caller's commands never changes.

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
