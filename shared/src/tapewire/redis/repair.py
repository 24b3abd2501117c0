"""Why a server ended while it started, and what to do about a log that it cannot read."""

import re
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

from tapewire.redis.stored_data import LOG_FOLDER, MANIFEST

CHECK_TOOLS = ("redis-check-aof", "valkey-check-aof")

_LOG_NAME = re.compile(r"appendonly\.aof(?:\.[0-9]+\.(?:base|incr)\.(?:aof|rdb))?")


# In the server's log: pid:role date time mark message; `#` marks warnings and errors.
_LOG_LINE = re.compile(r"^\d+:[A-Z] \d+ \w+ \d+ [\d:.]+ # (?P<message>.*)$")
_DATA = re.compile(r"append only file|AOF|RDB")
_DISK_FULL = "No space left on device"
_SERVER_ADVICE = re.compile(r"(?:: )?make a backup|\b(?:You can|If you want to) ", re.IGNORECASE)


def explain_end(lines: Sequence[str], server: Path, directory: Path) -> tuple[str, str]:
    """Read the last lines of the log: what the server did, and advice if its data are damaged."""
    full = [line for line in lines if _DISK_FULL in line]
    if full:
        return f"found the disk of {directory} full while it started", ""
    warnings = [match["message"] for line in lines if (match := _LOG_LINE.match(line))]
    broken = [line for line in warnings if _DATA.search(line)]
    reason = (broken or warnings or lines or ["it wrote nothing"])[-1]
    if not broken:
        return f"ended while it started: {reason}", ""
    # The server's own advice has a placeholder where the path belongs.
    short = _SERVER_ADVICE.split(reason)[0].rstrip(" :.")
    return f"cannot read its data: {short}", f". {repair_advice(server, directory, reason)}"


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
