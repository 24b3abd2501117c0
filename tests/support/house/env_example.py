"""`.env.example`, made from the compose file's own variables and the settings of the services.

`python -m tests.support.house.env_example > .env.example` writes it.
"""

import sys
import textwrap

from tests.support.house.settings_table import TABLES, default_of, variable_of

HEAD = """\
# Settings of docker-compose.yml. Copy this file to .env, and remove the # before what you change.

# ---- Containers ----

# Address at which the ports are open. With another address set TAPEWIRE_AUTH=keys below and TLS.
#PUBLISH_ADDRESS=127.0.0.1
#GATEWAY_PORT=8000
#MARKET_DATA_PORT=8001

# Files for the services, seen as /etc/tapewire: instruments, certificates.
#FILES_DIR=./deploy/files

# Password of Redis for the venue; made at the first start if this is empty.
#REDIS_PASSWORD=
# always: an answered order is on disk; everysec: faster, but a crash may lose the last second.
#REDIS_FSYNC=always
# Redis refuses orders at this memory: about 1,750 bytes an order (docs/operations.md).
#REDIS_MAXMEMORY=1gb
# A rewrite of the log needs up to as much again.
#REDIS_MEMORY_LIMIT=3g
#GATEWAY_MEMORY_LIMIT=1g
#MARKET_DATA_MEMORY_LIMIT=2g

# With --profile observability; ports on 127.0.0.1. Anybody on this machine may look at Grafana.
#PROMETHEUS_PORT=9090
#PROMETHEUS_RETENTION=15d
#GRAFANA_PORT=3000
#GRAFANA_PASSWORD=admin

# Images, for a registry of your own.
#PYTHON_IMAGE=python:3.13.11-slim
#REDIS_IMAGE=redis:7.4.11-alpine
#PROMETHEUS_IMAGE=prom/prometheus:v3.13.0
#GRAFANA_IMAGE=grafana/grafana:12.4.3
"""

# The compose file gives these a value of its own.
FIXED = frozenset(
    {"REDIS_URL", "TAPEWIRE_OPEN_TO_NETWORK", "TAPEWIRE_GATEWAY_OPEN_ADMIN_FROM"}
    | {
        f"TAPEWIRE_{service}_{name}"
        for service in ("GATEWAY", "MARKET_DATA")
        for name in ("HOST", "PORT", "REUSE_PORT")
    }
)
COMMENT_CHARACTERS_MAX = 100


def env_example() -> str:
    """The whole file."""
    parts = [HEAD]
    for title, (model, prefix) in TABLES.items():
        parts.append(f"\n# ---- {title} ----\n")
        for name, field in model.model_fields.items():
            variable = variable_of(name, field, prefix)
            if variable is None or variable in FIXED:
                continue
            comment = textwrap.wrap(
                str(field.description),
                COMMENT_CHARACTERS_MAX,
                initial_indent="# ",
                subsequent_indent="# ",
            )
            parts.append("\n".join(["", *comment, f"#{variable}={default_of(field)}", ""]))
    return "".join(parts)


if __name__ == "__main__":
    sys.stdout.write(env_example())
