"""Words that make a sentence a riddle, because its subject has no name. Pure."""

import re
from collections.abc import Iterator

from tests.support.house.rules import SourceFile

RIDDLES = re.compile(
    r"\b(whoever|whomever|of theirs|what it was told|what there is|who of them)\b",
    re.IGNORECASE,
)
# This rule and its proof name the words.
EXCEPTED = ("tests/support/house/wording.py", "tests/test_tidy.py")


def riddles(file: SourceFile) -> Iterator[str]:
    """The subject of a sentence is a name from the code or a term of the field."""
    if file.path in EXCEPTED:
        return
    for number, line in enumerate(file.text.splitlines(), start=1):
        for match in RIDDLES.finditer(line):
            yield f"{number}: {match[0]!r}: name the client, the key, the order, the process"
