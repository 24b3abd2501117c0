"""Programs of examples and documents, run to their end in this process.

A process for each costs half a second of processor time, which goes into imports.
"""

import contextlib
import io
import runpy
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Ended:
    """A program that has ended, as its shell sees it."""

    status: int
    stdout: str
    stderr: str


def run_program(path: Path, *words: str, folder: Path) -> Ended:
    """Run the program at `path` with these arguments in `folder`. Raises what it does not catch."""
    output, errors, before = io.StringIO(), io.StringIO(), sys.argv
    status = 0
    sys.argv = [str(path), *words]
    try:
        with (
            contextlib.chdir(folder),
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(errors),
        ):
            runpy.run_path(str(path), run_name="__main__")
    except SystemExit as end:
        # As the interpreter does: a text goes to standard error, and the status is 1.
        if isinstance(end.code, str):
            errors.write(f"{end.code}\n")
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.argv = before
    return Ended(status, output.getvalue(), errors.getvalue())
