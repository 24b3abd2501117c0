"""What messages of the feed are made of, the public and the private ones."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from tapewire.limits import EXACT_INTEGER_MAX

Seq = Annotated[int, Field(ge=0, le=EXACT_INTEGER_MAX)]
RequestId = Annotated[int | str, Field(description="The id of the request, if it had one")]
Price = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?$")]
Timestamp = Annotated[str, Field(min_length=20, max_length=32, description="ISO 8601, UTC")]


class FeedPart(BaseModel):
    """Members that are not known are passed over, so that a client survives a newer service."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)
