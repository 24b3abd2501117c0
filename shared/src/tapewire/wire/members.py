"""Types of members that several messages share, with the bounds that readers check. Pure."""

from typing import Annotated, TypeAlias

from msgspec import Meta

from tapewire.limits import EXACT_INTEGER_MAX

DecimalText: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9]+(\.[0-9]+)?$")]
"""A decimal as text, with the decimals of its instrument or asset."""

SignedDecimalText: TypeAlias = Annotated[str, Meta(pattern=r"^-?[0-9]+(\.[0-9]+)?$")]
"""The same, which may be below zero."""

Timestamp: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$",
        description="ISO 8601, UTC, with microseconds",
    ),
]

Seq: TypeAlias = Annotated[int, Meta(ge=0, le=EXACT_INTEGER_MAX)]
"""A number in a sequence; 0 is the place before the first item."""

ItemNumber: TypeAlias = Annotated[int, Meta(ge=1, le=EXACT_INTEGER_MAX)]
"""The number of an item in a sequence."""

RequestId: TypeAlias = Annotated[
    int | str, Meta(description="The id of the request, if it had one")
]
