"""Trade deliveries per second, latency and memory of WebSocket feeds, side by side in one run.

    python -m benchmarks.feed [--seconds 4] [--only tapewire,nchan] [--quick]

The server is pinned to core 0, the load client (C, epoll) to core 1. Saturated: as many messages
as the server passes on, a bounded window on their way. Paced: a rate that every contestant carries;
latency from the moment of publication to the client that reads. Prints tables for README.md.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.feed_contestants import (
    CONTESTANTS,
    MIXED_SYMBOLS,
    Contestant,
    Server,
    tapewire_mixed,
)
from benchmarks.feed_publishers import Probe, publish_paced, publish_saturated
from benchmarks.machine import describe_machine

from tapewire.runtime.ports import free_port

CLIENT_CORE = "1"
WARMUP_S = 1.5
PACED_MESSAGES_PER_S = 20
HERE = Path(__file__).parent
FLOOR = "C, 512 messages a write"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--clients", type=int, default=1_000)
    parser.add_argument("--only", default="")
    parser.add_argument("--quick", action="store_true", help="no other client counts")
    options = parser.parse_args()
    if not shutil.which("cc") or not shutil.which("taskset"):
        sys.exit("this benchmark needs a C compiler (cc) and taskset")
    only = set(filter(None, options.only.split(",")))
    chosen = [one for one in CONTESTANTS if not only or one.name in only]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for program in ("feed_client", "batch_writer"):
            source = str(HERE / f"{program}.c")
            subprocess.run(["cc", "-O2", "-o", str(folder / program), source], check=True)
        print(describe_machine())
        print(f"{options.clients} clients, messages of about 240 bytes\n")
        compare(chosen, options.clients, options.seconds, folder)
        if not options.quick:
            scale(options.seconds, folder)


def compare(chosen: list[Contestant], clients: int, seconds: float, folder: Path) -> None:
    """Every contestant, saturated and paced, next to the floor written in C."""
    floor = measure_floor(clients, seconds, folder)
    print("| server | version | deliveries/s | of C | paced p50 | p99 | p99.9 | KiB/client |")
    print("|---|---|---|---|---|---|---|---|")
    print(f"| {FLOOR} | | {floor:,.0f} | 1.00 | | | | |")
    for one in chosen:
        missing = one.missing()
        if missing:
            print(f"| {one.name} | | skipped: needs {missing} | | | | | |")
            continue
        with started(one, 0, folder) as server:
            rate = run(server, clients, seconds, 0, folder)["messages_per_s"]
        with started(one, PACED_MESSAGES_PER_S, folder) as server:
            before_kib = resident_kib(server.pid)
            paced = run(server, clients, seconds, PACED_MESSAGES_PER_S, folder)
            memory_kib = (paced["resident_kib"] - before_kib) / clients
        late = paced["latency_us"]
        print(
            f"| {one.name} | {one.version()} | {rate:,.0f} | {rate / floor:.2f} "
            f"| {late['p50'] / 1000:.2f} ms | {late['p99'] / 1000:.2f} ms "
            f"| {late['p999'] / 1000:.2f} ms | {memory_kib:.1f} |",
            flush=True,
        )


def scale(seconds: float, folder: Path) -> None:
    """Tapewire at other client counts, and with a mix of subscriptions."""
    tapewire = CONTESTANTS[0]
    print("\n| Tapewire | deliveries/s saturated | paced p50 | p99 | KiB/client |")
    print("|---|---|---|---|---|")
    for clients in (1, 100, 1_000, 10_000):
        report(tapewire, f"{clients:,} clients, every trade", clients, seconds, folder, "")
    mixed = folder / "paths"
    paths = ["/ws/market-data"] * 20
    paths += [f"/ws/market-data?symbols={name}" for name in MIXED_SYMBOLS]
    paths += [f"/ws/market-data?channels=trades,bbo&symbols={name}" for name in MIXED_SYMBOLS]
    mixed.write_text("\n".join(paths))
    many = replace(tapewire, start=tapewire_mixed)
    report(many, "1,000 clients, 100 symbols, mixed", 1_000, seconds, folder, f"@{mixed}")


def report(
    one: Contestant, title: str, clients: int, seconds: float, folder: Path, path: str
) -> None:
    """One row of the table of `scale`."""
    with started(one, 0, folder) as server:
        rate = run(server, clients, seconds, 0, folder, path)["messages_per_s"]
    with started(one, PACED_MESSAGES_PER_S, folder) as server:
        before_kib = resident_kib(server.pid)
        paced = run(server, clients, seconds, PACED_MESSAGES_PER_S, folder, path)
        memory_kib = (paced["resident_kib"] - before_kib) / clients
    late = paced["latency_us"]
    print(
        f"| {title} | {rate:,.0f} | {late['p50'] / 1000:.2f} ms | {late['p99'] / 1000:.2f} ms "
        f"| {memory_kib:.1f} |",
        flush=True,
    )


@contextmanager
def started(one: Contestant, rate: float, folder: Path) -> Iterator[Server]:
    """A contestant with a folder of its own."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        running = one.start(rate, Path(name))
        try:
            yield next(running)
        finally:
            next(running, None)


def run(
    server: Server, clients: int, seconds: float, rate: float, folder: Path, path: str = ""
) -> dict[str, Any]:
    """Load one running server; returns the load client's report, and the server's memory."""
    command = [
        "taskset", "-c", CLIENT_CORE, str(folder / "feed_client"),
        "127.0.0.1", str(server.port), path or server.path,
        "--clients", str(clients), "--seconds", str(seconds), "--warmup", str(WARMUP_S),
    ]  # fmt: skip
    if rate:
        command.append("--latency")
    if server.hello:
        command += ["--hello", server.hello.decode()]
    if server.marker and not rate:
        command += ["--per-marker", server.marker]
    load = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    said = load.stderr.readline() if load.stderr else ""
    if "connected" not in said:
        load.kill()
        raise RuntimeError(f"the load client of port {server.port} failed: {said}")
    feeding = threading.Thread(target=_publish, args=(server, rate, WARMUP_S + seconds))
    feeding.start()
    output, _ = load.communicate(timeout=seconds + 60)
    resident = resident_kib(server.pid)
    feeding.join()
    result: dict[str, Any] = json.loads(output)
    return result | {"resident_kib": resident}


def _publish(server: Server, rate: float, seconds: float) -> None:
    if server.encode is None:
        return
    if rate:
        publish_paced(server.target, server.encode, rate, seconds)
    else:
        probe = Probe(server.port, server.path, server.hello)
        publish_saturated(server.target, server.encode, probe, seconds)


def measure_floor(clients: int, seconds: float, folder: Path) -> float:
    """Deliveries per second of a C program that writes prepared batches."""
    port = free_port()
    writer = subprocess.Popen(
        ["taskset", "-c", "0", str(folder / "batch_writer"), str(port), str(clients), "512",
         "250", str(WARMUP_S + seconds + 2)]
    )  # fmt: skip
    try:
        result = run(Server(writer.pid, port, "/"), clients, seconds, 0, folder)
    finally:
        writer.terminate()
        writer.wait()
    return float(result["messages_per_s"])


def resident_kib(pid: int) -> int:
    """Resident memory of a process and its children (nginx does its work in a child)."""
    total = 0
    for one in [pid, *_children(pid)]:
        status = Path(f"/proc/{one}/status").read_text()
        total += int(status.partition("VmRSS:")[2].split()[0])
    return total


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


if __name__ == "__main__":
    main()
