"""The settings as docs/reference/settings.md lists them, made from the models."""

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
        variable = variable_of(name, field, prefix)
        if variable is None:
            continue
        rows.append(
            f"| `{variable}` | {_default(field)} | {_bounds(field)} | {field.description} |"
        )
    return "\n".join(rows)


def variable_of(name: str, field: FieldInfo, prefix: str) -> str | None:
    """The environment variable of a field; None for settings that have a prefix of their own."""
    if field.annotation is VenueSettings:
        return None
    alias = field.validation_alias
    return alias if isinstance(alias, str) else f"{prefix}{name.upper()}"


def default_of(field: FieldInfo) -> str:
    """The default as a variable would give it; empty without a default."""
    value = field.default
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _default(field: FieldInfo) -> str:
    return f"`{default_of(field)}`" if field.default is not None else "none"


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
