"""`exchangeInfo`: the instruments of the venue as Binance describes symbols. Pure."""

from collections.abc import Iterable
from typing import Any

from order_gateway.binance.new_orders import ORDER_TYPES, PREVENTIONS
from order_gateway.catalogue import Market
from order_gateway.replies import instrument_reply
from tapewire.binance.statistics import AVERAGE_MINS
from tapewire.binance.symbols import BinanceSymbols
from tapewire.limits import EXACT_INTEGER_MAX
from tapewire.values.decimals import format_units
from tapewire.values.scale import Scale
from tapewire.values.types import Instrument, MarketState

_STATUSES = {
    MarketState.TRADING: "TRADING",
    MarketState.POST_ONLY: "TRADING",
    MarketState.CANCEL_ONLY: "CANCEL_ONLY",
    MarketState.HALTED: "HALT",
    MarketState.AUCTION: "AUCTION_MATCH",
}
_BPS, _BPS_DECIMALS = 10_000, 4
_PPM_DECIMALS = 6
COMMISSION_DECIMALS = 8


def symbol_info(market: Market, symbols: BinanceSymbols) -> dict[str, Any]:
    """One symbol, with its filters."""
    instrument = market.instrument
    is_post_only = market.state is MarketState.POST_ONLY
    return {
        "symbol": symbols.shown[instrument.symbol],
        "status": _STATUSES[market.state],
        "baseAsset": instrument.base,
        "baseAssetPrecision": instrument.base_decimals,
        "quoteAsset": instrument.quote,
        "quotePrecision": instrument.quote_decimals,
        "quoteAssetPrecision": instrument.quote_decimals,
        "baseCommissionPrecision": instrument.base_decimals,
        "quoteCommissionPrecision": instrument.quote_decimals,
        "orderTypes": ["LIMIT_MAKER"] if is_post_only else list(ORDER_TYPES),
        "icebergAllowed": True,
        "ocoAllowed": True,
        "otoAllowed": False,
        "opoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": filters(market),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_TAKER",
        "allowedSelfTradePreventionModes": list(PREVENTIONS),
    }


def filters(market: Market) -> list[dict[str, Any]]:
    """The bounds of an order, first price, then quantity, amount, count and band."""
    instrument, shown = market.instrument, instrument_reply(market)
    tick, lot = shown.tick_size, shown.lot_size
    least_quantity, most_quantity = (
        shown.min_quantity,
        _least(shown.max_quantity, shown.order_quantity_max),
    )
    scale = Scale(instrument)
    most_notional = scale.amount(EXACT_INTEGER_MAX // instrument.quote_units)
    quantity = {"minQty": least_quantity, "maxQty": most_quantity, "stepSize": lot}
    found: list[dict[str, Any]] = [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": tick,
            "maxPrice": shown.max_price,
            "tickSize": tick,
        },
        {"filterType": "LOT_SIZE", **quantity},
        {"filterType": "MARKET_LOT_SIZE", **quantity},
        {
            "filterType": "NOTIONAL",
            "minNotional": shown.min_notional,
            "applyMinToMarket": False,
            "maxNotional": _least(most_notional, shown.order_notional_max),
            "applyMaxToMarket": False,
            "avgPriceMins": AVERAGE_MINS,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": instrument.open_orders_max},
    ]
    if instrument.band_bps:
        up = format_units(_BPS + instrument.band_bps, _BPS_DECIMALS)
        down = format_units(max(0, _BPS - instrument.band_bps), _BPS_DECIMALS)
        found.append(
            {
                "filterType": "PERCENT_PRICE_BY_SIDE",
                "bidMultiplierUp": up,
                "bidMultiplierDown": down,
                "askMultiplierUp": up,
                "askMultiplierDown": down,
                "avgPriceMins": AVERAGE_MINS,
            }
        )
    return found


def _least(bound: str, other: str) -> str:
    """The smaller of two bounds of equal decimals, where zero is no bound."""
    units, other_units = (int(text.replace(".", "")) for text in (bound, other))
    return other if 0 < other_units < units else bound


def commission(instrument: Instrument, symbols: BinanceSymbols) -> dict[str, Any]:
    """`account/commission` of one symbol."""
    none = rates(0, 0)
    return {
        "symbol": symbols.shown[instrument.symbol],
        "standardCommission": rates(instrument.maker_fee_ppm, instrument.taker_fee_ppm),
        "specialCommission": none,
        "taxCommission": none,
        "discount": {
            "enabledForAccount": False,
            "enabledForSymbol": False,
            "discountAsset": "",
            "discount": format_units(0, COMMISSION_DECIMALS),
        },
    }


def rates(maker_ppm: int, taker_ppm: int) -> dict[str, str]:
    """Fees as parts of the received amount."""
    nothing = format_units(0, COMMISSION_DECIMALS)
    return {
        "maker": rate(maker_ppm),
        "taker": rate(taker_ppm),
        "buyer": nothing,
        "seller": nothing,
    }


def rate(ppm: int) -> str:
    """Millionths as a decimal."""
    return format_units(ppm * 10 ** (COMMISSION_DECIMALS - _PPM_DECIMALS), COMMISSION_DECIMALS)


def trade_fees(instruments: Iterable[Instrument], symbols: BinanceSymbols) -> list[dict[str, str]]:
    """`/sapi/v1/asset/tradeFee`."""
    return [
        {
            "symbol": symbols.shown[instrument.symbol],
            "makerCommission": rate(instrument.maker_fee_ppm),
            "takerCommission": rate(instrument.taker_fee_ppm),
        }
        for instrument in instruments
    ]
