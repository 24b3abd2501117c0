"""Puts the Lua files together: a script is its entry file with the files it includes.

A line `-- @include text market ...` stands for these files, in that order, each once. In the header
of an entry file they are there for all of it; inside a function they are its own: Redis makes all
functions of a script anew at each call, and those that are seldom needed should not take part.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

_INCLUDE = re.compile(r"^(?P<indent> *)-- @include (?P<names>[a-z_ ]+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Script:
    """One assembled script and the SHA-1 by which Redis knows it."""

    name: str
    source: str
    sha: str


@cache
def load_script(name: str) -> Script:
    """Assemble `lua/<name>.lua`. Raises FileNotFoundError for a part that does not exist."""
    source = _assembled(f"{name}.lua", set())
    return Script(name, source, hashlib.sha1(source.encode()).hexdigest())  # noqa: S324


def _assembled(path: str, known: set[str]) -> str:
    """A file with what it includes; `known` are the parts that its place sees already."""

    def parts(match: re.Match[str]) -> str:
        # What a function includes is not known outside of it.
        seen = set(known) if match["indent"] else known
        texts = []
        for name in match["names"].split():
            if name not in seen:
                seen.add(name)
                texts.append(_assembled(f"include/{name}.lua", seen))
        return "\n".join(texts)

    text = resources.files("tapewire.matching").joinpath("lua", path).read_text("utf-8")
    return _INCLUDE.sub(parts, text)
