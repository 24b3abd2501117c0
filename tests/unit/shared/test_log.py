"""The log: one line a record, bounded per place in the code."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from tapewire.runtime.log import BoundedHandler, LineBudget, Outage, configure_logging


def record(
    line: int, message: str = "garbage from %s", level: int = logging.WARNING
) -> logging.LogRecord:
    arguments = ("127.0.0.1",) if "%s" in message else ()
    return logging.LogRecord("uvicorn.error", level, "http.py", line, message, arguments, None)


def messages(records: list[logging.LogRecord]) -> list[str]:
    return [each.getMessage() for each in records]


def test_a_flood_from_one_place_is_bounded() -> None:
    """The first lines are written, the others are counted, and the count is written later."""
    budget = LineBudget(lines_max=3, window_s=10)
    written = [line for number in range(1000) for line in budget.admit(record(7), number / 1000)]
    assert len(written) == 3
    later = budget.admit(record(7), 10.5)
    assert messages(later) == [
        "997 lines like this were left out in 10 s: garbage from 127.0.0.1",
        "garbage from 127.0.0.1",
    ]


def test_each_place_has_its_own_bound() -> None:
    """A flood does not silence another part of the program, whatever the messages say."""
    budget = LineBudget(lines_max=1, window_s=10)
    for number in range(100):
        budget.admit(record(7, f"connection {number}"), 0)
    assert messages(budget.admit(record(8, "the disk is full"), 1)) == ["the disk is full"]
    assert messages(budget.rest(2)) == ["99 lines like this were left out in 2 s: connection 99"]
    assert budget.rest(3) == []


def test_debug_lines_have_no_bound() -> None:
    """Debug lines are written only if the level asks for all of them."""
    budget = LineBudget(lines_max=1, window_s=10)
    lines = [budget.admit(record(7, level=logging.DEBUG), 0) for _ in range(50)]
    assert all(len(each) == 1 for each in lines)


def test_what_was_left_out_is_said_at_the_end() -> None:
    """Closing the handler writes the sums, as at the end of a process."""
    stream = io.StringIO()
    handler = BoundedHandler(stream, LineBudget(lines_max=1, window_s=1000))
    for _ in range(5):
        handler.handle(record(7))
    handler.close()
    assert stream.getvalue().splitlines()[-1].startswith("4 lines like this were left out")


@pytest.fixture
def root_logger() -> Iterator[None]:
    """Puts the handlers of the tests back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.usefixtures("root_logger")
def test_json_lines_go_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    """Each line is an object: time, level, service, logger, message, and any traceback."""
    configure_logging("info", "order-gateway", "json")
    logger = logging.getLogger("order_gateway.app")
    logger.info("trading %d instruments", 3)
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logger.exception("failed")
    output = capsys.readouterr()
    first, second = (json.loads(line) for line in output.out.splitlines())
    assert output.err == ""
    assert first["time"].endswith("Z")
    assert {name: first[name] for name in ("level", "service", "logger", "message")} == {
        "level": "info",
        "service": "order-gateway",
        "logger": "order_gateway.app",
        "message": "trading 3 instruments",
    }
    assert (second["level"], second["message"]) == ("error", "failed")
    assert "ValueError: two\nlines" in second["exception"]


@pytest.mark.usefixtures("root_logger")
def test_text_goes_to_standard_error_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A traceback is folded into the line of its record."""
    configure_logging("info", "market-data")
    try:
        raise ValueError("bad")
    except ValueError:
        logging.getLogger("x").exception("failed")
    output = capsys.readouterr()
    (line,) = output.err.splitlines()
    assert output.out == ""
    assert " ERROR market-data x: failed | Traceback" in line


def test_an_outage_is_logged_once_for_each_cause(caplog: pytest.LogCaptureFixture) -> None:
    """Until it ends; the lines belong to the place in the code that notes the cause."""
    outage = Outage(logging.getLogger("test"), "nothing expires")
    for cause in ("refused", "refused", "refused", "timed out", "timed out"):
        outage.note(OSError(cause))
    outage.end()
    outage.note(OSError("timed out"))
    assert caplog.messages == [
        "nothing expires: refused", "nothing expires: timed out", "nothing expires: timed out",
    ]  # fmt: skip
    assert {record.pathname for record in caplog.records} == {__file__}
