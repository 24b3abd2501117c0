"""What to do about an append-only file that the server cannot read."""

import shlex
import shutil
from pathlib import Path

MULTI_PART_LOG = Path("appendonlydir", "appendonly.aof.manifest")
SINGLE_LOG = Path("appendonly.aof")
CHECK_TOOLS = ("redis-check-aof", "valkey-check-aof")


def repair_advice(server: Path, directory: Path) -> str:
    """How to repair the log in `directory` of the executable `server`; each command is a line."""
    log = directory / (MULTI_PART_LOG if (directory / MULTI_PART_LOG).exists() else SINGLE_LOG)
    copy = shlex.join(["cp", "-a", str(directory), f"{directory}.damaged"])
    check = _check_command(server, log)
    return (
        "Copy the data, cut off the part that cannot be read with every command behind it, then "
        f"start the venue again:\n  {copy}\n  {check}"
    )


def _check_command(server: Path, log: Path) -> str:
    beside = (str(server.with_name(tool)) for tool in CHECK_TOOLS)
    found = next((path for path in map(shutil.which, (*beside, *CHECK_TOOLS)) if path), None)
    if found is not None:
        return shlex.join([found, "--fix", str(log)])
    # The server is its own check tool when it is started under the name of that.
    command = f"exec -a {CHECK_TOOLS[0]} {shlex.quote(str(server))} --fix {shlex.quote(str(log))}"
    return shlex.join(["bash", "-c", command])
