"""Variables of the environment that look like settings and are none.

Kubernetes gives every container variables for each service of its namespace. A service called
`tapewire` makes TAPEWIRE_SERVICE_HOST, TAPEWIRE_PORT=tcp://10.0.0.1:8000 and more. A service called
`tapewire-gateway` makes TAPEWIRE_GATEWAY_PORT, which is also a setting.
"""

import re
from collections.abc import MutableMapping

_LINK_NAME = re.compile(
    r"TAPEWIRE_(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?"
    r"|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)"
)
_LINK_PORT_NAME = re.compile(r"TAPEWIRE_(?:\w+_)?PORT")
_LINK_PORT_VALUE = re.compile(r"(?:tcp|udp|sctp)://\S+")


def drop_service_links(environment: MutableMapping[str, str]) -> None:
    """Remove the variables that Kubernetes makes: one has the name of a setting for a port."""
    for name in [name for name, value in environment.items() if is_service_link(name, value)]:
        del environment[name]


def is_service_link(name: str, value: str) -> bool:
    """Whether Kubernetes made this variable for a service whose name begins with `tapewire`."""
    if _LINK_NAME.fullmatch(name):
        return True
    return bool(_LINK_PORT_NAME.fullmatch(name) and _LINK_PORT_VALUE.fullmatch(value))
