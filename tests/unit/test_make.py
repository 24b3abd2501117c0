"""What `make` installs, and what it says when it cannot."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.house.documents import ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tree in which nothing is installed yet."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def make(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *words], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("goal", "has_tools"), [("run", False), ("demo", False), ("test", True), ("check", True)]
)
def test_running_installs_no_development_tools(folder: Path, goal: str, has_tools: bool) -> None:
    """Those come with the first test or check."""
    planned = make(folder, "--dry-run", goal).stdout
    assert "pip install" in planned
    assert ("[dev]" in planned) is has_tools


def test_what_is_installed_is_not_installed_again(folder: Path) -> None:
    """The development tools include what running needs."""
    (folder / ".venv").mkdir()
    for name in ("made", "runtime", "installed"):
        (folder / ".venv" / name).touch()
    for goal in ("run", "test"):
        assert "pip install" not in make(folder, "--dry-run", goal).stdout


@pytest.mark.parametrize("goal", ["run", "test"])
def test_an_older_python_is_refused_with_a_command_that_works(folder: Path, goal: str) -> None:
    """The command that is proposed has the goal that was wanted."""
    done = make(folder, goal, "PYTHON=false")
    assert done.returncode != 0
    assert f"try: make {goal} PYTHON=python3.11" in done.stdout
    proposed = done.stdout.partition("try: ")[2].split()[1:2]
    assert make(folder, "--dry-run", *proposed, f"PYTHON={sys.executable}").returncode == 0
