"""The operations of an administrator: markets, instruments, accounts, API keys, the kill switch.

At a venue with keys they need a key with the permission `admin`.
"""

import uuid
from collections.abc import Sequence
from typing import Literal, TypeAlias

from tapewire.client.admin_replies import (
    AccountsPage,
    ApiKey,
    ApiKeysPage,
    DelistedInstrument,
    KilledAccount,
    KilledVenue,
    NewApiKey,
    ResumedVenue,
    Transfer,
)
from tapewire.client.calls import (
    UNCHANGED,
    Call,
    Moment,
    Number,
    Pages,
    Unchanged,
    decoder,
    moment,
    next_page,
    nullable,
    operation,
    plain,
)
from tapewire.client.replies import (
    AccountInfo,
    InstrumentInfo,
)

MarketStateText: TypeAlias = Literal["trading", "cancel_only", "halted", "post_only", "auction"]
PermissionText: TypeAlias = Literal["read", "trade", "admin"]

_read_instrument = decoder(InstrumentInfo)
_read_account = decoder(AccountInfo)
_read_delisted = decoder(DelistedInstrument)
_read_accounts = decoder(AccountsPage)
_read_transfer = decoder(Transfer)
_read_killed_account = decoder(KilledAccount)
_read_killed_venue = decoder(KilledVenue)
_read_resumed = decoder(ResumedVenue)
_read_key = decoder(ApiKey)
_read_new_key = decoder(NewApiKey)
_read_keys = decoder(ApiKeysPage)


@operation("PUT", "/v1/admin/markets/{symbol}")
def change_market(
    symbol: str,
    *,
    state: MarketStateText | None = None,
    price_band_bps: int | None = None,
    open_orders_max: int | None = None,
    order_quantity_max: Number | None = None,
    order_notional_max: Number | None = None,
    position_max: Number | None = None,
    maker_fee_ppm: int | None = None,
    taker_fee_ppm: int | None = None,
    allow_coarse_fees: bool | None = None,
) -> Call[InstrumentInfo]:
    """Switch a market, or change its bounds and fees; None changes nothing. A bound of 0: none.

    `price_band_bps` is in 1/100 percent of the last trade, fees are in millionths of a fill.
    """
    body = {
        "state": state,
        "price_band_bps": price_band_bps,
        "open_orders_max": open_orders_max,
        "order_quantity_max": plain(order_quantity_max),
        "order_notional_max": plain(order_notional_max),
        "position_max": plain(position_max),
        "maker_fee_ppm": maker_fee_ppm,
        "taker_fee_ppm": taker_fee_ppm,
        "allow_coarse_fees": allow_coarse_fees,
    }
    return Call(_read_instrument, path={"symbol": symbol}, body=body)


@operation("POST", "/v1/admin/instruments")
def publish_instrument(
    symbol: str,
    *,
    base: str,
    quote: str,
    tick_size: Number,
    lot_size: Number,
    min_quantity: Number,
    max_quantity: Number,
    max_price: Number | None = None,
    min_notional: Number | None = None,
    price_band: Number | None = None,
    open_orders_max: int | None = None,
    order_quantity_max: Number | None = None,
    order_notional_max: Number | None = None,
    position_max: Number | None = None,
    maker_fee_ppm: int | None = None,
    taker_fee_ppm: int | None = None,
    allow_coarse_fees: bool | None = None,
    base_decimals: int | None = None,
    quote_decimals: int | None = None,
) -> Call[InstrumentInfo]:
    """Add an instrument, or change the limits of one; the fields are those of the file.

    Base, quote, steps and decimals are fixed for the life of a symbol. `price_band` is in percent.
    `allow_coarse_fees` accepts fees below one unit of the smallest amounts traded.
    """
    body = {
        "symbol": symbol,
        "base": base,
        "quote": quote,
        "tick_size": plain(tick_size),
        "lot_size": plain(lot_size),
        "min_quantity": plain(min_quantity),
        "max_quantity": plain(max_quantity),
        "max_price": plain(max_price),
        "min_notional": plain(min_notional),
        "price_band": plain(price_band),
        "open_orders_max": open_orders_max,
        "order_quantity_max": plain(order_quantity_max),
        "order_notional_max": plain(order_notional_max),
        "position_max": plain(position_max),
        "maker_fee_ppm": maker_fee_ppm,
        "taker_fee_ppm": taker_fee_ppm,
        "allow_coarse_fees": allow_coarse_fees,
        "base_decimals": base_decimals,
        "quote_decimals": quote_decimals,
    }
    return Call(_read_instrument, body=body)


@operation("DELETE", "/v1/admin/instruments/{symbol}")
def delist_instrument(symbol: str) -> Call[DelistedInstrument]:
    """Cancel every order of a market and take its instrument off the list; its history stays."""
    return Call(_read_delisted, path={"symbol": symbol})


@operation("GET", "/v1/admin/accounts")
def accounts(
    *, prefix: str | None = None, page_size: int | None = None
) -> Pages[AccountsPage, AccountInfo]:
    """Iterate over the accounts by name, all of them or those that begin with `prefix`.

    The account `@fees` has the fees.
    """
    first = Call(_read_accounts, query={"prefix": prefix, "limit": page_size})
    return Pages(first, lambda page: page.accounts, next_page)


@operation("GET", "/v1/admin/accounts/{account}")
def account(name: str) -> Call[AccountInfo]:
    """Read one account."""
    return Call(_read_account, path={"account": name})


@operation("POST", "/v1/admin/accounts/{account}/deposit")
def deposit(
    name: str, asset: str, amount: Number, *, reference: str | None = None
) -> Call[Transfer]:
    """Bring money into the venue; an account that is not known yet is opened.

    A transfer without a `reference` gets a random one, so that the request can be sent again.
    """
    return Call(_read_transfer, path={"account": name}, body=_transfer(asset, amount, reference))


@operation("POST", "/v1/admin/accounts/{account}/withdraw")
def withdraw(
    name: str, asset: str, amount: Number, *, reference: str | None = None
) -> Call[Transfer]:
    """Take money out of the venue: available money only, never money that open orders hold."""
    return Call(_read_transfer, path={"account": name}, body=_transfer(asset, amount, reference))


@operation("PATCH", "/v1/admin/accounts/{account}")
def change_account(
    name: str,
    *,
    state: Literal["active", "blocked"] | None = None,
    maker_fee_ppm: int | Unchanged | None = UNCHANGED,
    taker_fee_ppm: int | Unchanged | None = UNCHANGED,
) -> Call[AccountInfo]:
    """Block or unblock an account, or set its fees in millionths; None: the instrument's fee."""
    body = {
        "state": state,
        "maker_fee_ppm": nullable(maker_fee_ppm),
        "taker_fee_ppm": nullable(taker_fee_ppm),
    }
    return Call(_read_account, path={"account": name}, body=body)


@operation("PUT", "/v1/admin/accounts/{account}/limits/{symbol}")
def change_limits(
    name: str,
    symbol: str,
    *,
    open_orders_max: int | Unchanged | None = UNCHANGED,
    order_quantity_max: Number | Unchanged | None = UNCHANGED,
    order_notional_max: Number | Unchanged | None = UNCHANGED,
    position_max: Number | Unchanged | None = UNCHANGED,
) -> Call[AccountInfo]:
    """Limit an account in a symbol; None: as the instrument has it, 0: no limit."""
    body = {
        "open_orders_max": nullable(open_orders_max),
        "order_quantity_max": _bound(order_quantity_max),
        "order_notional_max": _bound(order_notional_max),
        "position_max": _bound(position_max),
    }
    return Call(_read_account, path={"account": name, "symbol": symbol}, body=body)


@operation("POST", "/v1/admin/accounts/{account}/kill")
def kill_account(name: str) -> Call[KilledAccount]:
    """Block an account, then cancel its orders."""
    return Call(_read_killed_account, path={"account": name})


@operation("POST", "/v1/admin/kill")
def kill() -> Call[KilledVenue]:
    """Stop all trading: every market takes cancels only, then all orders are canceled."""
    return Call(_read_killed_venue)


@operation("POST", "/v1/admin/resume")
def resume() -> Call[list[str]]:
    """Switch every market that takes cancels only to trading; the symbols of these markets."""
    return Call(lambda body: _read_resumed(body).switched)


@operation("POST", "/v1/admin/keys", is_repeatable=False)
def create_key(
    account: str,
    permissions: Sequence[PermissionText],
    *,
    label: str = "",
    expires_at: Moment | None = None,
) -> Call[NewApiKey]:
    """Make an API key. Its text is in this answer only, so a lost answer is not asked for again."""
    body = {
        "account": account,
        "permissions": list(permissions),
        "label": label,
        "expires_at": moment(expires_at),
    }
    return Call(_read_new_key, body=body)


@operation("GET", "/v1/admin/keys")
def keys(*, page_size: int | None = None) -> Pages[ApiKeysPage, ApiKey]:
    """Iterate over the API keys, by key id, those included that ended within 30 days."""
    first = Call(_read_keys, query={"limit": page_size})
    return Pages(first, lambda page: page.keys, next_page)


@operation("DELETE", "/v1/admin/keys/{key_id}")
def revoke_key(key_id: str) -> Call[ApiKey]:
    """Revoke an API key for good, connections included."""
    return Call(_read_key, path={"key_id": key_id})


def _transfer(asset: str, amount: Number, reference: str | None) -> dict[str, object]:
    return {
        "asset": asset,
        "amount": plain(amount),
        "reference": reference or uuid.uuid4().hex,
    }


def _bound(value: Number | Unchanged | None) -> object:
    return value if isinstance(value, Unchanged) else nullable(plain(value))
