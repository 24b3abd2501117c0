-- Contract: price-time matching of one incoming order against the resting side.
-- Fills at the maker's price, best price first, then arrival; a maker filled in part keeps its
-- place, an iceberg whose displayed slice is filled goes to the back of its level with the next.
-- Stops at the taker's limit, when it is filled, when self-trade prevention ends it, or after
-- meeting fills_max makers (each slice of an iceberg counts). Changes the taker's table; writes
-- makers, queue, trades.

-- Most orders meet few makers: read few at first, twice as many at each further read.
local MAKERS_FIRST_READ = 2
local MAKERS_PER_READ = 32

-- Meets one maker after the other, beginning with `page`, the head of the queue at `key`. The
-- functions within are made only when there is someone to meet: each call of a script makes all
-- functions of its file anew, and an order that meets nobody should not wait for these.
local function meet_makers(command, market, taker, limit, key, page)
  -- @include settlement trades standing
  local gone = {}

  -- Lots that the taker still takes at a price: of its quantity, or what its amount buys there; and
  -- how many of them it can pay.
  local function wanted_lots(ticks)
    local lots
    if taker.quantity then
      lots = remaining_lots(taker)
    else
      local used = taker.notional + taker.prevented_notional
      lots = math.floor((taker.quote_limit - used) / ticks)
    end
    local payable = payable_lots(market, taker, ticks)
    taker.is_short = payable and payable < lots
    return lots, taker.is_short and payable or lots
  end

  -- Ends a maker without a trade.
  local function end_maker(maker, reason)
    change_level(market, maker.side, maker.price, -shown_lots(maker))
    gone[#gone + 1] = queue_member(maker)
    hold_order(command, market, maker, -1)
    maker.status, maker.reason, maker.updated = 'expired', reason, market.now
    maker.visible = nil
    save_state(command, maker)
    unindex_order(maker, command.closed_kept_s)
  end

  -- Shows the next slice of an iceberg, behind everyone else at its price.
  local function refresh_iceberg(maker)
    gone[#gone + 1] = queue_member(maker)
    maker.priority = next_number(command)
    maker.visible = math.min(maker.display, remaining_lots(maker))
    change_level(market, maker.side, maker.price, maker.visible)
    maker.terms = terms_text(maker)
    redis.call('HSET', order_key(maker.id), 'terms', maker.terms)
    redis.call('ZADD', key, price_score(maker.side, maker.price), queue_member(maker))
  end

  -- Takes lots off a maker, executed or prevented: it is over, shows its next slice, or keeps its
  -- place. `seq` and `fill` are the trade, if it is one.
  local function shorten_maker(maker, lots, seq, fill)
    change_level(market, maker.side, maker.price, -lots)
    maker.updated = market.now
    if remaining_lots(maker) == 0 then
      -- What lost a part to self-trade prevention is never filled.
      maker.status, maker.visible = 'filled', nil
      if maker.executed < maker.quantity then
        maker.status, maker.reason = 'expired', 'self_trade'
      end
      gone[#gone + 1] = queue_member(maker)
      save_state(command, maker, seq, fill)
      unindex_order(maker, command.closed_kept_s)
      return
    end
    if maker.visible then
      maker.visible = maker.visible - lots
      if maker.visible == 0 then refresh_iceberg(maker) end
    end
    save_state(command, maker, seq, fill)
  end

  -- Two orders of one account meet. Returns true if the taker ends here.
  local function prevent_self_trade(maker, lots)
    local mode = taker.stp
    if mode == 'decrement' then
      taker.prevented, maker.prevented = taker.prevented + lots, maker.prevented + lots
      taker.prevented_notional = taker.prevented_notional + lots * maker.price
      release_lots(command, market, maker, lots)
      shorten_maker(maker, lots)
      return false
    end
    if mode ~= 'expire_taker' then end_maker(maker, 'self_trade') end
    if mode == 'expire_maker' then return false end
    taker.reason = 'self_trade'
    return true
  end

  local function trade_with(maker, lots)
    local ticks = maker.price
    local seq = print_trade(command, market, taker, maker, ticks, lots)
    local taker_fee, maker_fee = settle_trade(command, market, taker, maker, ticks, lots)
    local text, now = integer_text(ticks) .. ',' .. integer_text(lots), market.now
    local taken = text .. ',t,' .. now .. ',' .. integer_text(taker_fee)
    local made = text .. ',m,' .. now .. ',' .. integer_text(maker_fee)
    local fields, lines = taker.fields, taker.fill_lines
    local count = #fields
    taker.executed, taker.notional = taker.executed + lots, taker.notional + ticks * lots
    fields[count + 1], fields[count + 2] = 'f' .. seq, taken
    lines[#lines + 1] = seq .. ',' .. taken
    maker.executed, maker.notional = maker.executed + lots, maker.notional + ticks * lots
    maker.status = 'partially_filled'
    note_fill(command, taker, seq, taken)
    note_fill(command, maker, seq, made)
    shorten_maker(maker, lots, seq, made)
  end

  local index, page_makers, met, reread = 1, MAKERS_FIRST_READ, 0, false
  while not taker.quantity or remaining_lots(taker) > 0 do
    if reread or index > #page then
      -- Makers that are done leave the queue before it is read again.
      if #gone > 0 then redis.call('ZREM', key, unpack(gone)) end
      page_makers = math.min(page_makers * 2, MAKERS_PER_READ)
      page, index, gone = redis.call('ZRANGE', key, 0, page_makers - 1, 'WITHSCORES'), 1, {}
    end
    local ticks = page[index + 1] and math.abs(tonumber(page[index + 1]))
    if not ticks or not within(taker.side, ticks, limit) then
      taker.is_short = false
      break
    end
    local wanted, paid = wanted_lots(ticks)
    if paid == 0 then
      taker.is_spent = true
      break
    end
    if met == command.fills_max then
      taker.reason = 'fills_limit'
      break
    end
    met = met + 1
    local maker = read_order(string.sub(page[index], 18))
    local priority, shown = maker.priority, shown_lots(maker)
    if maker.expire_us and maker.expire_us <= market.now_us then
      end_maker(maker, 'expired')
    elseif maker.account == taker.account and taker.stp ~= 'none' then
      -- What is prevented costs nothing.
      taker.is_short = false
      if prevent_self_trade(maker, math.min(wanted, shown)) then break end
    else
      trade_with(maker, math.min(paid, shown))
    end
    -- A refreshed iceberg stands behind its level, but before all worse prices: look again.
    reread = maker.priority ~= priority
    if is_open(maker) and not reread then
      -- Who is still first in line ends the taker: what is left of an amount might buy a lot more
      -- at a worse price, but nobody trades through the best one.
      taker.is_spent = true
      break
    end
    index = index + 2
  end
  if #gone > 0 then redis.call('ZREM', key, unpack(gone)) end
end

-- Matches `taker` up to `limit` (ticks, nil for none). Sets taker.reason where that ended it.
local function match(command, market, taker, limit)
  local key = queue_key(market.symbol, opposite(taker.side))
  local page = redis.call('ZRANGE', key, 0, MAKERS_FIRST_READ - 1, 'WITHSCORES')
  if #page > 0 and within(taker.side, math.abs(tonumber(page[2])), limit) then
    meet_makers(command, market, taker, limit, key, page)
  end
end
