"""`tapewire replay` without a venue: its options and its plain sentences; with one: test_replay."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tapewire.cli import main
from tapewire.replay.recording import SAMPLE_SYMBOL, Format, read_recording, sample_file
from tapewire.runtime.ports import free_port
from tests.support.recordings.sample_recording import DURATION_US, START_US, sample_text

CSV = """time_us,action,id,side,price,quantity
0,add,a,buy,1,1
5,cancel,a,,,
"""


def run(*arguments: str) -> Result:
    """The answer of `tapewire replay ...`."""
    return CliRunner().invoke(main, ["replay", *arguments])


@pytest.fixture
def flow(tmp_path: Path) -> str:
    """A small recording of our own format."""
    path = tmp_path / "flow.csv"
    path.write_text(CSV)
    return str(path)


def test_help_names_every_format() -> None:
    """Each format that is recognised is described."""
    text = run("--help").output.lower()
    assert all(item.value in text.partition("options:")[0] for item in Format)


@pytest.mark.parametrize(
    ("options", "status", "sentence"),
    [
        ((), 1, "pass --symbol"),
        (("--symbol", "X-Y", "--format", "lobster"), 1, "line 1 is not a LOBSTER message"),
        (("--symbol", "X-Y", "--speed", "fast"), 2, "neither"),
        (("--symbol", "X-Y", "--speed", "0"), 2, "neither"),
        (("--symbol", "X-Y", "--start", "noon"), 2, "Invalid isoformat"),
        (("--sample",), 2, "either a FILE or --sample"),
        (("--symbol", "X-Y", "--gateway", "ftp://x"), 1, "names no venue"),
        (("--symbol", "X-Y", "--gateway", f"http://127.0.0.1:{free_port()}"), 1, "attempts failed"),
        (("--symbol", "X-Y", "--api-key-file", "absent"), 1, "cannot be read"),
        (("--symbol", "X-Y", "--seed-book", __file__), 2, "--seed-book is for LOBSTER files"),
        (("--no-seed", "--seed-book", __file__), 2, "--no-seed leaves out"),
        (("--gateway", "http://a:1", "--venue", "v"), 2, "give one of them"),
        (("--account", "a,,b"), 2, "a name is empty"),
        (("--account", ""), 2, "a name is empty"),
        (("--account", "a,b", "--account", "a"), 2, "a is named twice"),
    ],
)
def test_mistakes_are_told_in_a_sentence(
    flow: str, options: tuple[str, ...], status: int, sentence: str
) -> None:
    """A wrong option or file ends with a status and a sentence, without a traceback."""
    result = run(flow, *options)

    assert result.exit_code == status, result.output
    assert sentence in result.output
    assert "Traceback" not in result.output


def test_a_file_or_the_sample_is_needed() -> None:
    """A command without a file and without the sample is a usage error."""
    assert run().exit_code == 2


def test_the_sample_is_the_one_that_is_made_here() -> None:
    """The packaged recording is that of its generator, and fits the packaged instruments."""
    with sample_file() as path:
        recording = read_recording(path)
        assert path.read_bytes()[:2] == b"\x1f\x8b"
    assert SAMPLE_SYMBOL == "BTC-USDT"
    assert recording.start_us == 0
    times_us = [step.time_us for step in recording.steps]
    assert times_us[0] >= START_US
    assert times_us[-1] <= START_US + 2 * DURATION_US
    assert sample_text().count("\n") == len(recording.steps) + 1
