"""Puts the Lua files together: a script is its entry file after the files it includes.

An entry file names its parts in one header line, `-- @include text market ...`; they are put in
front of it in that order, each once.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

_INCLUDE = re.compile(r"^-- @include (?P<names>[a-z_ ]+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Script:
    """One assembled script and the SHA-1 by which Redis knows it."""

    name: str
    source: str
    sha: str


@cache
def load_script(name: str) -> Script:
    """Assemble `lua/<name>.lua`. Raises FileNotFoundError for a part that does not exist."""
    folder = resources.files("tapewire.matching").joinpath("lua")
    entry = folder.joinpath(f"{name}.lua").read_text("utf-8")
    match = _INCLUDE.search(entry)
    parts = match["names"].split() if match else []
    texts = [folder.joinpath("include", f"{part}.lua").read_text("utf-8") for part in parts]
    source = "\n".join([*texts, entry])
    return Script(name, source, hashlib.sha1(source.encode()).hexdigest())  # noqa: S324
