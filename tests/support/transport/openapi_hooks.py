"""Loaded by schemathesis itself: what it must not do to the venue that it tries.

It learns ids from answers, and would revoke the key that it came with.
"""

import os
from typing import Any

import schemathesis

OWN_KEY_VARIABLE = "FUZZ_OWN_KEY_ID"


@schemathesis.hook
def filter_path_parameters(
    context: schemathesis.HookContext, path_parameters: dict[str, Any] | None
) -> bool:
    """Whether a case may be sent."""
    own_key_id = os.environ.get(OWN_KEY_VARIABLE)
    return not own_key_id or (path_parameters or {}).get("key_id") != own_key_id
