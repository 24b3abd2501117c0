"""What to do about an append-only file that the server cannot read."""

import re
import shlex
import shutil
from pathlib import Path

from tapewire.redis.stored_data import LOG_FOLDER, MANIFEST

CHECK_TOOLS = ("redis-check-aof", "valkey-check-aof")

_LOG_NAME = re.compile(r"appendonly\.aof(?:\.[0-9]+\.(?:base|incr)\.(?:aof|rdb))?")


def repair_advice(server: Path, directory: Path, complaint: str) -> str:
    """How to repair the log in `directory` of the executable `server`; each command is a line.

    `complaint` is the line of the server's log that names the damaged file.
    """
    # The tool of Valkey 9.1 takes its own snapshots for text, so the manifest is of no use to it.
    named = _LOG_NAME.search(complaint)
    log = directory / LOG_FOLDER / (named[0] if named else MANIFEST)
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
