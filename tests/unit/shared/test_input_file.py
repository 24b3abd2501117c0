"""Files that a user names: lines and sizes are bounded, and JSON of any depth is refused."""

import gzip
import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from tapewire.cli import main
from tapewire.client.calls import decoder
from tapewire.client.replies import OrdersPage
from tapewire.client.rest import refusal_of
from tapewire.crowd.keys import read_keys
from tapewire.errors import ConfigurationError, TapewireError
from tapewire.limits import FILE_LINE_CHARACTERS_MAX, INSTRUMENT_FILE_BYTES_MAX
from tapewire.runtime.input_file import UnreadableFile, read_lines, read_whole
from tapewire.runtime.venue_file import VENUE_FILE, read_venue_file
from tapewire.values.instruments import load_instruments
from tapewire.wire.feed_messages import decode_message

# Python's own parsers raise RecursionError at about 1,000 levels.
DEEP = b'{"id":' + b"[" * 50_000


def test_a_line_is_bounded(tmp_path: Path) -> None:
    """The longest line is read; one character more is refused with the number of the line."""
    path = tmp_path / "lines.gz"
    longest = b"x" * (FILE_LINE_CHARACTERS_MAX - 1)
    path.write_bytes(gzip.compress(longest + b"\n" + longest + b"xx\n", 1))
    lines = read_lines(path)
    assert next(lines) == longest.decode()
    with pytest.raises(UnreadableFile, match="line 2 has more than 8,192,000 characters"):
        next(lines)


@pytest.mark.parametrize("command", [("replay", "--format", "csv"), ("journal", "verify")])
def test_commands_refuse_a_line_without_an_end(tmp_path: Path, command: tuple[str, ...]) -> None:
    """A file of one endless line ends the command with one sentence, and little memory."""
    path = tmp_path / "endless.gz"
    path.write_bytes(gzip.compress(b"\0" * (2 * FILE_LINE_CHARACTERS_MAX), 1))
    result = CliRunner().invoke(main, [*command, str(path)])
    assert isinstance(result.exception, SystemExit)
    assert "line 1 has more than" in result.output


def test_a_pipe_is_read() -> None:
    """`tapewire replay <(...)` names a pipe, which cannot be read twice."""
    end, begin = os.pipe()
    try:
        os.write(begin, gzip.compress(b"one\r\ntwo"))
        os.close(begin)
        assert list(read_lines(Path(f"/dev/fd/{end}"))) == ["one", "two"]
    finally:
        os.close(end)


def test_a_whole_file_is_bounded(tmp_path: Path) -> None:
    """A file of the greatest size is read; a larger one is refused."""
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_whole(path, 5) == b"12345"
    with pytest.raises(UnreadableFile, match="more than 4 bytes"):
        read_whole(path, 4)


def test_an_instrument_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    """The sentence has the file and the limit."""
    path = tmp_path / "large.toml"
    with path.open("wb") as file:
        file.truncate(INSTRUMENT_FILE_BYTES_MAX + 1)
    with pytest.raises(ConfigurationError, match=r"large\.toml has more than"):
        load_instruments(path)


@pytest.mark.parametrize("read", [decode_message, decoder(OrdersPage)])
def test_a_message_that_is_nested_too_deeply_is_no_message(
    read: Callable[[bytes], object],
) -> None:
    """A program of the client library gets an error of the library."""
    with pytest.raises(TapewireError):
        read(DEEP)


def test_an_error_answer_that_is_nested_too_deeply_is_a_status() -> None:
    """The status says that the request was refused."""
    assert refusal_of(500, DEEP, {}).code == "http_error"


def test_files_that_are_nested_too_deeply_are_refused(tmp_path: Path) -> None:
    """Venue files, files of keys, instrument files and backups are refused with one sentence."""
    path = tmp_path / "deep"
    path.write_bytes(DEEP)
    with pytest.raises(ConfigurationError, match="is no file of keys"):
        read_keys(path)
    path.write_bytes(b"instrument = " + b"[" * 50_000)
    with pytest.raises(ConfigurationError, match="deep: "):
        load_instruments(path)
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo("manifest.json")
        member.size = len(DEEP)
        archive.addfile(member, io.BytesIO(DEEP))
    result = CliRunner().invoke(main, ["restore", str(path), "--data-dir", str(tmp_path / "new")])
    assert isinstance(result.exception, SystemExit)
    assert "is not a whole backup" in result.output
    (tmp_path / VENUE_FILE).write_bytes(DEEP)
    with pytest.raises(ConfigurationError, match="is not running"):
        read_venue_file(tmp_path)
