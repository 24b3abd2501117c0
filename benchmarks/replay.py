"""Rate of `tapewire replay`, and processor time of each process per request, in turns.

python -m benchmarks.replay FILE [--requests 12000] [--rounds 3] [--other OTHER_PYTHON]

Each turn starts `tapewire up` of one version with an empty data folder, plays FILE, and ends the
venue. OTHER_PYTHON is the interpreter of the environment in which another version is installed;
its turns alternate with those of this version. The start of the replay command and the reading of
FILE are not counted: the rate does not contain them either.
"""

import argparse
import contextlib
import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.machine import describe_machine
from benchmarks.venue_process import running_venue

INSTRUMENTS = Path(__file__).parents[1] / "docs" / "examples" / "replay-instruments.toml"
REPLAY_TIMEOUT_S = 300.0
CLIENT = "replay client"
# Words of a command line that tell which part of the venue a process is.
PARTS = {"order_gateway": "gateway", "market_data": "market-data", "appendonly": "Redis"}
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Turn:
    """One replay: its rate, and processor time per request of each process, in microseconds."""

    requests_per_s: float
    cpu_us: dict[str, float]


def processor_s(root: int) -> dict[str, float]:
    """Processor time of the processes below `root` so far, in seconds, by part of the venue."""
    parents, times, parts = {}, {}, {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            _, _, fields = (entry / "stat").read_text().rpartition(") ")
            found = fields.split()
            process = int(entry.name)
            parents[process], times[process] = int(found[1]), int(found[11]) + int(found[12])
            line = (entry / "cmdline").read_bytes().decode(errors="replace")
            parts[process] = next((part for word, part in PARTS.items() if word in line), None)
            if parts[process] is None and re.search(r"redis|valkey", line):
                parts[process] = "Redis"
    total: defaultdict[str, float] = defaultdict(float)
    for process, ticks in times.items():
        above = process
        while above in parents and above != root:
            above = parents[above]
        if above == root:
            total[parts[process] or "launcher"] += ticks * TICK_S
    return total


def replay(python: str, folder: Path, words: Sequence[str]) -> tuple[str, float]:
    """Run the command; returns its report, and its processor time behind its first line."""
    line = [python, "-P", "-m", "tapewire", "replay", f"--venue={folder}", *words]
    before = os.times()
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        # The first line says what will be sent: the file has been read.
        first = "" if child.stdout is None else child.stdout.readline()
        _, _, fields = Path(f"/proc/{child.pid}/stat").read_text().rpartition(") ")
        start_s = sum(int(ticks) for ticks in fields.split()[11:13]) * TICK_S
        report, errors = child.communicate(timeout=REPLAY_TIMEOUT_S)
    if child.returncode:
        raise RuntimeError(f"the replay failed: {errors}")
    after = os.times()
    used_s = after.children_user + after.children_system
    used_s -= before.children_user + before.children_system
    return first + report, used_s - start_s


def play(python: str, file: Path, requests: int, options: Sequence[str]) -> Turn:
    """One turn: a venue with an empty folder, and the replay. Raises RuntimeError if one fails."""
    with tempfile.TemporaryDirectory(prefix="tapewire-bench-") as name:
        folder = Path(name)
        words = ["--funds=unchecked", f"--instruments={INSTRUMENTS}", *options]
        with running_venue(python, folder, words) as venue:
            before_s = processor_s(venue)
            report, client_s = replay(python, folder, [str(file), f"--limit={requests}"])
            after_s = processor_s(venue)
    rate = re.search(r"^rate +([0-9,]+)", report, re.MULTILINE)
    if rate is None:
        raise RuntimeError(f"the report has no rate:\n{report}")
    used_s = {part: after_s[part] - before_s.get(part, 0.0) for part in after_s}
    used_s[CLIENT] = client_s
    requests_per_s = float(rate[1].replace(",", ""))
    return Turn(requests_per_s, {part: each / requests * 1e6 for part, each in used_s.items()})


def table(turns: dict[str, list[Turn]]) -> str:
    """The medians of all turns, a column for each version, as a Markdown table."""
    versions = list(turns)
    lines = [
        f"| of one request | {' | '.join(versions)} |",
        f"|---|{'---:|' * len(versions)}",
    ]
    parts = sorted({part for each in turns.values() for turn in each for part in turn.cpu_us})
    for part in parts:
        cells = [f"{median(t.cpu_us.get(part, 0) for t in turns[v]):.0f} us" for v in versions]
        lines.append(f"| {part} | {' | '.join(cells)} |")
    sums = [f"{median(sum(t.cpu_us.values()) for t in turns[v]):.0f} us" for v in versions]
    lines.append(f"| all | {' | '.join(sums)} |")
    rates = [", ".join(f"{t.requests_per_s:,.0f}" for t in turns[v]) for v in versions]
    lines.append(f"| requests/s | {' | '.join(rates)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", metavar="FILE", type=Path)
    parser.add_argument("--requests", type=int, default=12_000, help="of each replay")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--other", metavar="OTHER_PYTHON")
    parser.add_argument("--up", action="append", default=[], help="an option of `tapewire up`")
    arguments = parser.parse_args()
    pythons = {"this version": sys.executable}
    if arguments.other is not None:
        pythons = {"other version": arguments.other, **pythons}
    print(f"{describe_machine()}.\n", flush=True)
    turns: dict[str, list[Turn]] = {version: [] for version in pythons}
    for _ in range(arguments.rounds):
        for version, python in pythons.items():
            turns[version].append(play(python, arguments.file, arguments.requests, arguments.up))
    print(table(turns))


if __name__ == "__main__":
    main()
