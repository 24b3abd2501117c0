"""Terminal captures of the documents: real output of commands at a venue made for it.

A document marks a capture by a comment before a code block:

    <!-- capture: tapewire ticker -->

`python -m tests.support.house.captures` (`make captures`) starts a venue on recorded time, plays
the packaged recording, runs every marked command and writes the blocks. Prices and recorded times
are the same in every run; rates and durations are not.
"""

import os
import re
import shlex
import subprocess
import tempfile
from pathlib import Path

from tests.support.house.documents import site_documents
from tests.support.running.launcher import TAPEWIRE, launched
from tests.support.running.processes import child_environment

SAMPLE = "tapewire replay --sample"
COLUMNS = "110"
TIMEOUT_S = 120.0

CAPTURE = re.compile(
    r"<!-- capture: (?P<command>tapewire [^\n]*?) -->\n```\n(?P<text>.*?)```\n", re.DOTALL
)


def captured_commands(text: str) -> list[str]:
    """The commands whose output a document shows."""
    return [match["command"] for match in CAPTURE.finditer(text)]


def output_of(command: str, folder: Path, data_dir: Path) -> str:
    """What a command prints on standard output. Raises AssertionError if it fails."""
    done = subprocess.run(
        [*TAPEWIRE, *shlex.split(command)[1:]],
        cwd=folder,
        env=child_environment(
            {"TAPEWIRE_VENUE": str(data_dir), "COLUMNS": COLUMNS, "NO_COLOR": "1"}
        ),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    text = "\n".join(lines).strip("\n").replace(f"{data_dir}{os.sep}", ".tapewire/")
    return text.replace(str(data_dir), ".tapewire")


def written(text: str, outputs: dict[str, str]) -> str:
    """A document with the blocks of its captures."""
    return CAPTURE.sub(
        lambda match: (
            f"<!-- capture: {match['command']} -->\n"
            f"```\n$ {match['command']}\n{outputs[match['command']]}\n```\n"
        ),
        text,
    )


def write() -> None:
    """Run every capture of every document and write the documents."""
    texts = {path: path.read_text("utf-8") for path in site_documents()}
    commands = dict.fromkeys(
        command for text in texts.values() for command in captured_commands(text)
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with launched(folder, "--clock=recorded", "--redis-port=0") as venue:
            venue.wait_until_running()
            outputs = {SAMPLE: output_of(SAMPLE, folder, venue.data_dir)}
            for command in commands:
                if command not in outputs:
                    outputs[command] = output_of(command, folder, venue.data_dir)
    for path, text in texts.items():
        if captured_commands(text):
            path.write_text(written(text, outputs), "utf-8")


if __name__ == "__main__":
    write()
