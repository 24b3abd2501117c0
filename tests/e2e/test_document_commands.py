"""The commands of README, tutorial and how-to guides, run as they stand against one venue."""

import ast
import inspect
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tapewire.cli import main
from tapewire.client import SyncVenueClient
from tests.support.house.documents import blocks, read, section
from tests.support.house.walkthrough import SavedFile, steps
from tests.support.running.processes import child_environment
from tests.support.running.programs import run_program
from tests.support.running.venue_files import venue_directory
from tests.support.running.whole_venue import WholeVenue, running_venue
from tests.support.wait import wait_for

TIMEOUT_S = 90.0
PROGRAMS = Path(sys.executable).parent
README_BLOCKS = blocks(section(read("README.md"), "## From a program\n", "\n## "), "python")
DOCUMENTS = (
    "README.md",
    "docs/how-to/add-an-instrument.md",
    "docs/how-to/backup-and-upgrade.md",
    "docs/how-to/test-a-bot-in-ci.md",
)


@contextmanager
def crowd(folder: Path) -> Iterator[None]:
    """The traders of `tapewire up --demo`."""
    with (folder / "crowd.log").open("wb") as log:
        process = subprocess.Popen(
            [
                sys.executable,
                "-P",
                "-m",
                "tapewire.crowd",
                f"--venue={folder / '.tapewire'}",
                "--rate=20",
            ],
            env=child_environment({}),
            stdout=log,
            stderr=log,
        )
        try:
            with SyncVenueClient(folder / ".tapewire") as client:
                before = client.ticker("BTC-USDT").trades
                wait_for(
                    lambda: client.ticker("BTC-USDT").trades > before, "the crowd trades", TIMEOUT_S
                )
            yield
        finally:
            process.terminate()
            process.wait(TIMEOUT_S)


@pytest.fixture(scope="module")
def place(
    module_redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, WholeVenue]]:
    """A folder whose `.tapewire` is that of a running venue with the trade of README."""
    folder = tmp_path_factory.mktemp("reader")
    with (
        running_venue(module_redis_url, folder) as venue,
        venue_directory(venue, folder) as directory,
    ):
        with SyncVenueClient(directory, account="alice") as alice:
            alice.place("BTC-USDT", "sell", "0.1", "60000.00")
        with SyncVenueClient(directory, account="bob") as bob:
            bob.place("BTC-USDT", "buy", "0.04", order_type="market")
        yield folder, venue


def run(text: str, folder: Path, venue: WholeVenue) -> str:
    """A block of commands, which ends at the first failure; the output.

    `tapewire` commands and programs run in this process, because a process for each costs a second.
    """
    text = (
        text.replace(".venv/bin/", "")
        .replace(". activate\n", "")
        .replace("http://127.0.0.1:8000", venue.gateway.url)
        .replace("http://127.0.0.1:8001", venue.market_data.url)
    )
    if any(mark in text for mark in ("$", "|", ";", "curl", "pytest")):
        return run_in_shell(text, folder)
    variables: dict[str, str | None] = {}
    printed = []
    for line in text.replace("\\\n", " ").splitlines():
        match shlex.split(line):
            case ["export", setting]:
                name, _, value = setting.partition("=")
                variables[name] = value
            case ["tapewire", *words, ">", file]:
                (folder / file).write_text(run_here(words, variables), "utf-8")
            case ["tapewire", *words]:
                printed.append(run_here(words, variables))
            case ["python", program, *words]:
                ended = run_program(folder / program, *words, folder=folder)
                assert ended.status == 0, ended.stdout + ended.stderr
                printed.append(ended.stdout)
            case ["chmod", mode, file]:
                (folder / file).chmod(int(mode, 8))
            case _:
                printed.append(run_in_shell(line, folder))
    return "".join(printed)


def run_here(words: list[str], variables: dict[str, str | None]) -> str:
    """One command of `tapewire`; its standard output."""
    done = CliRunner().invoke(main, words, env=variables)
    assert done.exit_code == 0, f"{words}\n{done.output}"
    return done.stdout


def run_in_shell(text: str, folder: Path) -> str:
    """Commands in one shell; their standard output."""
    done = subprocess.run(
        ["sh", "-euc", text],
        cwd=folder,
        env=child_environment({"PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"}),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def follow(document: str, folder: Path, venue: WholeVenue) -> list[str]:
    """Do what a document says, step by step; what each block of commands printed."""
    text = read(document)
    if document == "README.md":  # what comes before is run by tests/test_documents.py
        text = text.partition("<!-- end of path -->")[2]
    printed = []
    for step in steps(text):
        if isinstance(step, SavedFile):
            (folder / step.name).write_text(step.text, "utf-8")
        elif step.reason is None:
            printed.append(run(step.text, folder, venue))
    assert printed
    return printed


def test_the_tutorial_works(
    place: tuple[Path, WholeVenue], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commands and programs work; a plan that is run again buys nothing twice."""
    folder, venue = place
    monkeypatch.chdir(folder)
    with crowd(folder):
        printed = follow("docs/tutorial/first-bot.md", folder, venue)
    lines = next(text for text in printed if "monday-1 is order" in text).splitlines()
    assert len(lines) == 12
    assert lines[:6] == lines[6:]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_commands_of_a_document_work(
    document: str, place: tuple[Path, WholeVenue], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each block of commands ends with status 0, in the order of the document."""
    monkeypatch.chdir(place[0])
    follow(document, *place)


@pytest.mark.parametrize("number", range(len(README_BLOCKS)))
async def test_a_program_of_the_readme_works(
    number: int, place: tuple[Path, WholeVenue], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Python blocks run as they stand but for the addresses."""
    folder, venue = place
    monkeypatch.chdir(folder)
    source = (
        README_BLOCKS[number]
        .replace("http://127.0.0.1:8000", venue.gateway.url)
        .replace("ws://127.0.0.1:8001", venue.market_data.websocket_url)
    )
    code = compile(source, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    names: dict[str, Any] = {}
    running = eval(code, names)  # noqa: S307 (our own page)
    if inspect.isawaitable(running):
        await running


def test_the_commands_for_a_class_work(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guide for a class, at a venue with keys."""
    monkeypatch.chdir(tmp_path)
    with (
        running_venue(redis_url, tmp_path, TAPEWIRE_AUTH="keys") as venue,
        venue_directory(venue, tmp_path, auth="keys"),
    ):
        follow("docs/how-to/run-a-class.md", tmp_path, venue)
