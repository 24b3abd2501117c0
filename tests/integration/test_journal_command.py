"""`tapewire journal` as people call it: sentences, files, exit statuses."""

import asyncio
import os
import pty
import re
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis
from click.testing import CliRunner, Result

from tapewire import keys
from tapewire.cli import main
from tests.support.reference.history import trade
from tests.support.venue import open_venue

TAPEWIRE = [sys.executable, "-P", "-m", "tapewire"]


def run(*arguments: str) -> Result:
    """The answer of `tapewire journal ...`."""
    return CliRunner().invoke(main, ["journal", *arguments])


async def open_and_trade(redis_url: str) -> None:
    """A venue with some history."""
    async with open_venue(redis_url) as venue:
        await trade(venue, 11, 500)


@pytest.fixture
def traded_url(redis_url: str) -> str:
    """The Redis of a venue with some history."""
    asyncio.run(open_and_trade(redis_url))
    return redis_url


def test_a_venue_is_proved(traded_url: str) -> None:
    """Status 0, counts of what was compared, and the word `equal` at the end."""
    result = run("verify", "--redis-url", traded_url)
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[-1] == "equal"
    assert "results   every one as recorded" in lines
    assert any(line.startswith("state     ") and "order " in line for line in lines)


def test_a_difference_is_told_with_another_status(traded_url: str) -> None:
    """Status 3, and the key at fault with both values."""
    with redis.Redis.from_url(traded_url) as client:
        client.incrby(keys.LAST_ORDER_ID, 1)
    result = run("verify", "--redis-url", traded_url)
    assert result.exit_code == 3
    different = [line for line in result.output.splitlines() if line.startswith("DIFFERENT")]
    assert len(different) == 1
    assert different[0].startswith(f"DIFFERENT {keys.LAST_ORDER_ID}: ")


@pytest.mark.parametrize("name", ["journal.jsonl", "journal.jsonl.gz"])
def test_an_exported_file_is_proved(traded_url: str, tmp_path: Path, name: str) -> None:
    """Export says what it wrote, verify reads it without the venue."""
    path = tmp_path / name
    result = run("export", "--redis-url", traded_url, str(path))
    assert result.exit_code == 0, result.output
    assert "commands, 1 to" in result.output
    assert (path.read_bytes()[:2] == b"\x1f\x8b") is name.endswith("gz")
    result = run("verify", str(path), "--redis-url", "redis://127.0.0.1:1")
    assert result.exit_code == 0, result.output
    assert "a file holds commands and results only" in result.output


@pytest.mark.parametrize("name", ["journal.jsonl", "journal.jsonl.gz"])
def test_a_symbolic_link_is_written_through(traded_url: str, tmp_path: Path, name: str) -> None:
    """The link stays, its target is replaced and keeps its mode; a dangling link makes one."""
    real = tmp_path / "real"
    real.write_text("old")
    real.chmod(0o640)
    links = [tmp_path / name, tmp_path / f"dangling-{name}"]
    links[0].symlink_to(real)
    links[1].symlink_to(tmp_path / "new")
    for link in links:
        result = run("export", "--redis-url", traded_url, str(link))
        assert result.exit_code == 0, result.output
        assert link.is_symlink()
        assert run("verify", str(link)).exit_code == 0
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert len(list(tmp_path.iterdir())) == 4


def test_a_pipe_is_streamed_into(traded_url: str, tmp_path: Path) -> None:
    """A reader of a FIFO gets the whole journal, and the FIFO is still one afterwards."""
    pipe, copy = tmp_path / "pipe", tmp_path / "copy"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as threads:
        read = threads.submit(pipe.read_bytes)
        result = run("export", "--redis-url", traded_url, str(pipe))
        copy.write_bytes(read.result(timeout=30))
    assert result.exit_code == 0, result.output
    assert pipe.is_fifo()
    assert run("verify", str(copy)).exit_code == 0


def test_standard_output_is_a_file_like_any_other(traded_url: str, tmp_path: Path) -> None:
    """/dev/stdout has the journal and nothing else, into a file as into a pipe."""
    path = tmp_path / "journal.jsonl"
    command = [*TAPEWIRE, "journal", "export", "--redis-url", traded_url, "/dev/stdout"]
    with path.open("wb") as file:
        subprocess.run(command, stdout=file, check=True, timeout=60)
    piped = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=60).stdout
    assert path.read_bytes() == piped
    assert run("verify", str(path)).exit_code == 0


def test_a_write_that_fails_is_told_and_leaves_nothing(traded_url: str, tmp_path: Path) -> None:
    """A full device, a circle of links, a folder: a sentence, status 1, no file half written."""
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    before = sorted(tmp_path.iterdir())
    for path in ("/dev/full", str(tmp_path / "a"), str(tmp_path / "no" / "x")):
        result = run("export", "--redis-url", traded_url, path)
        assert (result.exit_code, "cannot be written" in result.output) == (1, True), result.output
    assert Path("/dev/full").is_char_device()
    assert sorted(tmp_path.iterdir()) == before


def test_counts_on_a_terminal_do_not_run_into_the_report(traded_url: str) -> None:
    """The report begins on a line of its own behind the running count."""
    leader, follower = pty.openpty()
    with os.fdopen(leader, "rb", 0) as screen:
        command = [*TAPEWIRE, "journal", "verify", "--redis-url", traded_url]
        with os.fdopen(follower, "wb", 0) as terminal:
            subprocess.run(command, stdout=terminal, stderr=terminal, check=True, timeout=60)
        shown = screen.read(4_096).decode()
    assert "commandscommands" not in shown
    assert re.search(r"\r[0-9,]+ commands\r\ncommands  [0-9,]+ run again", shown)


def test_a_trimmed_journal_is_exported_only_on_request(traded_url: str, tmp_path: Path) -> None:
    """Without --partial it is refused with a sentence; the rest alone cannot be verified."""
    with redis.Redis.from_url(traded_url) as client:
        client.xtrim(keys.JOURNAL, maxlen=50, approximate=False)
    path = tmp_path / "journal.jsonl"
    result = run("export", "--redis-url", traded_url, str(path))
    assert result.exit_code == 1
    assert "the journal was trimmed" in result.output
    assert "--partial" in result.output
    assert not list(tmp_path.iterdir())
    result = run("export", "--partial", "--redis-url", traded_url, str(path))
    assert result.exit_code == 0, result.output
    result = run("verify", str(path))
    assert result.exit_code == 1
    assert "nothing can be run again" in result.output


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is not an exported journal"),
        (b'{"format":"other"}\n', "is not an exported journal"),
        (b"\x1f\x8bbroken", "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
        (b"[" * 50_000, "is not an exported journal"),
    ],
)
def test_a_file_that_is_no_journal_is_refused(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    """A wrong file costs one sentence and status 1, never a traceback."""
    path = tmp_path / "other.bin"
    path.write_bytes(content)
    result = run("verify", str(path))
    assert result.exit_code == 1
    assert sentence in result.output


def test_a_file_that_ends_early_is_refused(traded_url: str, tmp_path: Path) -> None:
    """The header says how far the file reaches, so a lost end is noticed."""
    path = tmp_path / "journal.jsonl"
    run("export", "--redis-url", traded_url, str(path))
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-3]))
    result = run("verify", str(path))
    assert result.exit_code == 1
    assert "ends before command" in result.output


def test_an_empty_or_absent_redis_is_told(redis_url: str, traded_url: str, tmp_path: Path) -> None:
    """An empty Redis and a Redis that is away end the command with a sentence."""
    result = run("export", "--redis-url", traded_url, str(tmp_path / "no" / "folder"))
    assert result.exit_code == 1
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    result = run("export", "--redis-url", redis_url, str(tmp_path / "x"))
    assert (result.exit_code, "holds no venue" in result.output) == (1, True)
    result = run("export", "--redis-url", "redis://127.0.0.1:1", str(tmp_path / "x"))
    assert (result.exit_code, "does not answer" in result.output) == (1, True)
