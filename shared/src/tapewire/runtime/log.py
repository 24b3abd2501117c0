"""One-line structured logging, the same in both services and the tools."""

import logging
import sys


class _OneLine(logging.Formatter):
    """`time level logger message`, with a traceback folded into the same line."""

    default_msec_format = "%s.%03d"

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\n", " | ")


def configure_logging(level: str, service: str) -> None:
    """Send everything at `level` and above to standard error, marked with the service's name."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine(f"%(asctime)s %(levelname)s {service} %(name)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
