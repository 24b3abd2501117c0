"""Reads what the scripts keep in Redis (docs/matching.md) into the venue's types."""

from collections.abc import Mapping, Sequence

from tapewire.values.account_types import AccountRecord, AccountState, Balance, LimitSet
from tapewire.values.types import (
    Account,
    AccountFill,
    Fill,
    Instrument,
    Liquidity,
    Lots,
    Order,
    OrderId,
    OrderStatus,
    OrderType,
    SelfTradePrevention,
    Side,
    Symbol,
    Ticks,
    TimeInForce,
)

_LIQUIDITY = {"m": Liquidity.MAKER, "t": Liquidity.TAKER}
# Every order is read with five of these; a table is ten times as quick as a call of the class.
_SIDES = {str(item): item for item in Side}
_ORDER_TYPES = {str(item): item for item in OrderType}
_TIMES_IN_FORCE = {str(item): item for item in TimeInForce}
_STATUSES = {str(item): item for item in OrderStatus}
_PREVENTIONS = {str(item): item for item in SelfTradePrevention}


def read_order(order_id: str, reply: Sequence[bytes] | Mapping[bytes, bytes]) -> Order:
    """Field-value pairs of `order:<id>` as Redis gives them: flat (RESP2) or a map (RESP3)."""
    record = read_pairs(reply)
    (
        quantity, account, client_order_id, expire_us, display, price, _priority, symbol, side,
        order_type, time_in_force, created_us, stp, post_only, stop_price, quote_limit,
        maker_fee_ppm, taker_fee_ppm, _digest,
    ) = record["terms"].split("|")  # fmt: skip
    status, executed, notional, updated_us, prevented, _visible, triggered_us, reason = record[
        "state"
    ].split("|")
    fills = [read_fill(int(name[1:]), value) for name, value in record.items() if name[0] == "f"]
    fills.sort(key=lambda fill: fill.seq)
    return Order(
        order_id=OrderId(order_id),
        account=Account(account),
        symbol=Symbol(symbol),
        side=_SIDES[side],
        order_type=_ORDER_TYPES[order_type],
        time_in_force=_TIMES_IN_FORCE[time_in_force],
        status=_STATUSES[status],
        price_ticks=_ticks(price),
        quantity_lots=Lots(int(quantity)),
        executed_lots=Lots(int(executed)),
        executed_notional=int(notional),
        client_order_id=client_order_id or None,
        created_us=int(created_us),
        updated_us=int(updated_us),
        fills=tuple(fills),
        prevented_lots=Lots(int(prevented)),
        self_trade_prevention=_PREVENTIONS[stp],
        post_only=post_only == "1",
        display_lots=Lots(int(display)) if display else None,
        stop_price_ticks=_ticks(stop_price),
        triggered_us=int(triggered_us) if triggered_us else None,
        quote_notional=int(quote_limit) if quote_limit else None,
        expire_us=int(expire_us) if expire_us else None,
        reason=reason or None,
        maker_fee_ppm=int(maker_fee_ppm),
        taker_fee_ppm=int(taker_fee_ppm),
    )


def read_fills(text: str) -> list[AccountFill]:
    """One entry of `fills:<account>`: every fill of one command, oldest first."""
    fills = []
    for line in text.split(";"):
        order_id, symbol, side, seq, text = line.split(",", 4)
        fill = read_fill(int(seq), text)
        fills.append(AccountFill(OrderId(order_id), Symbol(symbol), _SIDES[side], fill))
    return fills


def read_instrument(symbol: str, identity: str, limits: str, controls: str) -> Instrument:
    """The fields of `market:<symbol>` that say what is traded and in which bounds."""
    base, quote, *steps = identity.split("|")
    tick_units, price_decimals, lot_units, quantity_decimals = map(int, steps[:4])
    base_decimals, quote_decimals = map(int, steps[4:])
    lots_min, lots_max, price_max, notional_min = limits.split("|")
    revision, band_bps, open_orders_max, *bounds = map(int, controls.split("|")[1:])
    order_lots_max, order_notional_max, position_lots_max, maker_fee_ppm, taker_fee_ppm = bounds
    return Instrument(
        symbol=Symbol(symbol),
        base=base,
        quote=quote,
        tick_units=tick_units,
        price_decimals=price_decimals,
        lot_units=lot_units,
        quantity_decimals=quantity_decimals,
        quantity_lots_min=Lots(int(lots_min)),
        quantity_lots_max=Lots(int(lots_max)),
        price_ticks_max=Ticks(int(price_max)),
        notional_min=int(notional_min),
        band_bps=band_bps,
        open_orders_max=open_orders_max,
        base_decimals=base_decimals,
        quote_decimals=quote_decimals,
        maker_fee_ppm=maker_fee_ppm,
        taker_fee_ppm=taker_fee_ppm,
        order_lots_max=order_lots_max,
        order_notional_max=order_notional_max,
        position_lots_max=position_lots_max,
        revision=revision,
    )


def read_account(account: str, reply: Sequence[bytes] | Mapping[bytes, bytes]) -> AccountRecord:
    """Field-value pairs of `account:<account>`."""
    record = read_pairs(reply)
    state, maker_fee_ppm, taker_fee_ppm, opened_us = record["profile"].split("|")
    units: dict[str, dict[str, int]] = {}
    limits = {}
    for name, value in sorted(record.items()):
        kind, _, subject = name.partition(":")
        if kind == "limits":
            limits[Symbol(subject)] = LimitSet(*map(_optional_number, value.split("|")))
        elif subject:
            units.setdefault(subject, {})[kind] = int(value)
    return AccountRecord(
        account=Account(account),
        state=AccountState(state),
        maker_fee_ppm=_optional_number(maker_fee_ppm),
        taker_fee_ppm=_optional_number(taker_fee_ppm),
        opened_us=int(opened_us),
        balances={asset: Balance(**parts) for asset, parts in sorted(units.items())},
        limits=limits,
        seq=int(record.get("seq", 0)),
        balance_seq=int(record.get("balance_seq", 0)),
    )


def read_pairs(reply: Sequence[bytes] | Mapping[bytes, bytes]) -> dict[str, str]:
    """Field-value pairs as text, whichever way the protocol gave them."""
    if isinstance(reply, Mapping):
        return {name.decode(): value.decode() for name, value in reply.items()}
    texts = [item.decode() for item in reply]
    return dict(zip(texts[::2], texts[1::2], strict=True))


def _optional_number(text: str) -> int | None:
    return int(text) if text else None


def _ticks(text: str) -> Ticks | None:
    return Ticks(int(text)) if text else None


def read_fill(seq: int, text: str) -> Fill:
    """One field `f<seq>` of an order, without its name."""
    price, lots, liquidity, time_us, fee_units = text.split(",")
    return Fill(
        seq, Ticks(int(price)), Lots(int(lots)), _LIQUIDITY[liquidity], int(time_us),
        int(fee_units),
    )  # fmt: skip
