"""The settings as docs/operations.md lists them, made from the models: `python -m` prints them."""

import sys

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from market_data.settings import PREFIX as MARKET_DATA_PREFIX
from market_data.settings import MarketDataSettings
from order_gateway.settings import PREFIX as GATEWAY_PREFIX
from order_gateway.settings import GatewaySettings
from tapewire.settings import PREFIX as VENUE_PREFIX
from tapewire.settings import VenueSettings

TABLES: dict[str, tuple[type[BaseSettings], str]] = {
    "Both services": (VenueSettings, VENUE_PREFIX),
    "Order gateway": (GatewaySettings, GATEWAY_PREFIX),
    "Market data": (MarketDataSettings, MARKET_DATA_PREFIX),
}


def settings_table(model: type[BaseSettings], prefix: str) -> str:
    """One Markdown table: variable, default, bounds, meaning."""
    rows = ["| variable | default | bounds | meaning |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        if field.annotation is VenueSettings:
            continue
        alias = field.validation_alias
        variable = alias if isinstance(alias, str) else f"{prefix}{name.upper()}"
        rows.append(
            f"| `{variable}` | {_default(field)} | {_bounds(field)} | {field.description} |"
        )
    return "\n".join(rows)


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is None:
        return "none"
    return f"`{str(value).lower()}`" if isinstance(value, bool) else f"`{value}`"


def _bounds(field: FieldInfo) -> str:
    parts = []
    for bound in field.metadata:
        match bound:
            case Gt(gt=value):
                parts.append(f"> {value}")
            case Ge(ge=value):
                parts.append(f">= {value}")
            case Lt(lt=value):
                parts.append(f"< {value}")
            case Le(le=value):
                parts.append(f"<= {value}")
    return ", ".join(parts)


if __name__ == "__main__":
    for title, (model, prefix) in TABLES.items():
        sys.stdout.write(f"### {title}\n\n{settings_table(model, prefix)}\n\n")
