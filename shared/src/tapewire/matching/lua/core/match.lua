-- Contract: price-time matching of one incoming order against the resting side.
-- Fills at the maker's price, best price first, then arrival; a maker filled in part keeps its
-- place, an iceberg whose displayed slice is filled goes to the back of its level with the next.
-- Stops at the taker's limit, when the taker is filled, when self-trade prevention ends it, or
-- after meeting taker.makers_max makers (each slice of an iceberg counts). Changes the taker's
-- table; writes makers, queue, trades.

-- Most orders meet few makers: read few at first, twice as many at each further read.
local MAKERS_FIRST_READ = 2
local MAKERS_PER_READ = 32

-- Lots that the taker still takes at a price, by its quantity or by its amount; and how many of
-- these lots the taker can pay.
local function wanted_lots(market, taker, ticks)
  local lots
  if taker.quantity then
    lots = remaining_lots(taker)
  else
    local used = taker.notional + taker.prevented_notional
    lots = floor((taker.quote_limit - used) / ticks)
  end
  local payable = payable_lots(market, taker, ticks)
  taker.is_short = payable and payable < lots
  return lots, taker.is_short and payable or lots
end

-- Removes ended and moved makers from the queue, before the queue is read again.
local function remove_gone(sweep)
  if #sweep.gone > 0 then
    call('ZREM', sweep.key, unpack(sweep.gone))
    sweep.gone = {}
  end
end

-- Ends a maker without a trade.
local function end_maker(sweep, maker, reason)
  local command, market = sweep.command, sweep.market
  change_level(market, maker.side, maker.price, -shown_lots(maker))
  sweep.gone[#sweep.gone + 1] = queue_member(maker)
  hold_order(command, market, maker, -1)
  maker.status, maker.reason, maker.updated_us = 'expired', reason, market.now
  maker.visible = nil
  save_state(command, maker)
  unindex_order(command, maker)
  end_partner(command, market, maker, 'expired', 'order_list')
end

-- Shows the next slice of an iceberg, behind all other orders at its price.
local function refresh_iceberg(sweep, maker)
  sweep.gone[#sweep.gone + 1] = queue_member(maker)
  maker.priority = next_number()
  maker.visible = min(maker.display, remaining_lots(maker))
  change_level(sweep.market, maker.side, maker.price, maker.visible)
  maker.terms = Terms.write(maker)
  call('HSET', order_key(maker.id), 'terms', maker.terms)
  call('ZADD', sweep.key, price_score(maker.side, maker.price), queue_member(maker))
end

-- Takes executed or prevented lots off a maker: the maker ends, shows its next slice, or keeps its
-- place. `seq` and `fill` are the trade; nil for prevented lots.
local function shorten_maker(sweep, maker, lots, seq, fill)
  local command, market = sweep.command, sweep.market
  change_level(market, maker.side, maker.price, -lots)
  maker.updated_us = market.now
  if remaining_lots(maker) == 0 then
    maker.status, maker.visible = 'filled', nil
    -- An order that lost a part to self-trade prevention is never filled.
    if maker.executed < maker.quantity then
      maker.status, maker.reason = 'expired', 'self_trade'
    end
    sweep.gone[#sweep.gone + 1] = queue_member(maker)
    save_state(command, maker, seq, fill)
    unindex_order(command, maker)
    end_partner(command, market, maker, 'expired', 'order_list')
    return
  end
  if maker.visible then
    maker.visible = maker.visible - lots
    if maker.visible == 0 then refresh_iceberg(sweep, maker) end
  end
  save_state(command, maker, seq, fill)
  end_partner(command, market, maker, 'expired', 'order_list')
end

-- Two orders of one account meet. Returns true if the taker ends here.
local function prevent_self_trade(sweep, taker, maker, lots)
  local mode = taker.stp
  if mode == 'decrement' then
    taker.prevented, maker.prevented = taker.prevented + lots, maker.prevented + lots
    taker.prevented_notional = taker.prevented_notional + lots * maker.price
    release_lots(sweep.command, sweep.market, maker, lots)
    shorten_maker(sweep, maker, lots)
    return false
  end
  if mode ~= 'expire_taker' then end_maker(sweep, maker, 'self_trade') end
  if mode == 'expire_maker' then return false end
  taker.reason = 'self_trade'
  return true
end

local function trade_with(sweep, taker, maker, lots)
  local command, market, ticks = sweep.command, sweep.market, maker.price
  local seq = print_trade(command, market, taker, maker, ticks, lots)
  local taker_fee, maker_fee = settle_trade(command, market, taker, maker, ticks, lots)
  local price, quantity = market.last_price, common_text(lots)
  local taken = Fill.join(price, quantity, 't', market.now, integer_text(taker_fee))
  local made = Fill.join(price, quantity, 'm', market.now, integer_text(maker_fee))
  local fields, executions = taker.fields, taker.executions
  local count = #fields
  fields[count + 1], fields[count + 2] = 'f' .. seq, taken
  executions[#executions + 1] = Execution.join(seq, taken)
  taker.executed, taker.notional = taker.executed + lots, taker.notional + ticks * lots
  maker.executed, maker.notional = maker.executed + lots, maker.notional + ticks * lots
  maker.status = 'partially_filled'
  shorten_maker(sweep, maker, lots, seq, made)
end

-- Meets the maker at the head of the queue. Returns 'done' if the taker stops, 'reread' if the
-- order of the queue has changed, nil to continue with the next maker.
local function meet_maker(sweep, taker, member, wanted, paid)
  local market, maker = sweep.market, read_order(member_order(member))
  local priority, shown = maker.priority, shown_lots(maker)
  if maker.expire_us and maker.expire_us <= market.now_us then
    end_maker(sweep, maker, 'expired')
  elseif maker.account == taker.account and taker.stp ~= 'none' then
    -- Prevented lots cost nothing.
    taker.is_short = false
    if prevent_self_trade(sweep, taker, maker, min(wanted, shown)) then return 'done' end
  else
    trade_with(sweep, taker, maker, min(paid, shown))
  end
  -- A refreshed iceberg stands behind its level, but before all worse prices.
  if maker.priority ~= priority then return 'reread' end
  if is_open(maker) then
    -- The taker stops at a maker that is only partly filled: the rest of an amount may be worth a
    -- lot at a worse price, but no order trades through the best price.
    taker.is_spent = true
    return 'done'
  end
end

-- Meets the makers in the order of the queue, beginning with `page`, the head of the queue.
local function sweep_queue(sweep, taker, limit, page)
  local index, page_makers, outcome = 1, MAKERS_FIRST_READ, nil
  local command = sweep.command
  local makers_max = command.makers_met + taker.makers_max
  while outcome ~= 'done' and (not taker.quantity or remaining_lots(taker) > 0) do
    if outcome == 'reread' or index > #page then
      remove_gone(sweep)
      page_makers = min(page_makers * 2, MAKERS_PER_READ)
      page, index = call('ZRANGE', sweep.key, 0, page_makers - 1, 'WITHSCORES'), 1
    end
    local ticks = page[index + 1] and score_ticks(page[index + 1])
    if not ticks or not within(taker.side, ticks, limit) then
      taker.is_short = false
      break
    end
    local wanted, paid = wanted_lots(sweep.market, taker, ticks)
    if paid == 0 then
      taker.is_spent = true
      break
    end
    if command.makers_met >= makers_max then
      taker.reason = 'fills_limit'
      break
    end
    command.makers_met = command.makers_met + 1
    outcome = meet_maker(sweep, taker, page[index], wanted, paid)
    index = index + 2
  end
  remove_gone(sweep)
end

-- Matches `taker` up to `limit` (ticks, nil for none). Sets taker.reason if matching ended it.
-- Orders of an auction are collected and trade when it ends (core/auction.lua).
local function match(command, market, taker, limit)
  if market.controls.state == 'auction' then return end
  local key = queue_key(market.symbol, opposite(taker.side))
  local page = call('ZRANGE', key, 0, MAKERS_FIRST_READ - 1, 'WITHSCORES')
  if #page > 0 and within(taker.side, score_ticks(page[2]), limit) then
    sweep_queue({ command = command, market = market, key = key, gone = {} }, taker, limit, page)
  end
end
