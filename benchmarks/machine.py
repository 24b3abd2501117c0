"""The machine of a benchmark: processor, load, versions. Every run prints it above its figures."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("fastapi", "uvicorn", "uvloop", "redis", "hiredis", "websockets", "pydantic", "msgspec")


def processor() -> str:
    """The processor's name, or its architecture where the kernel names none."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(": ")[2]
    return platform.processor() or platform.machine()


def describe_machine(*further: str, packages: Sequence[str] = PACKAGES) -> str:
    """Date, processor, load of the last 1, 5 and 15 minutes, versions, then `further` facts."""
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    lines = (
        (
            f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {os.cpu_count()} x {processor()}; "
            f"load before the run {load}"
        ),
        f"Python {platform.python_version()}, {', '.join(f'{p} {version(p)}' for p in packages)}",
        *further,
    )
    return "\n".join(lines)
