"""Replies by which Redis refuses to run a command, and why, as a part of a sentence. Pure."""

import re

from redis.exceptions import (
    AskError,
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    MovedError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    TryAgainError,
)

# Redis did not run the command, and another node or another time may; every other error reply is
# the answer of a function. MOVED is an AskError.
REFUSALS = (
    AskError, AuthenticationError, BusyLoadingError, ClusterDownError, NoPermissionError,
    OutOfMemoryError, ReadOnlyError, TryAgainError,
)  # fmt: skip
# The same as text: those that redis-py has no class for.
_REFUSAL_TEXT = re.compile(r"^(BUSY|MISCONF|NOREPLICAS) ")

# By class of the error reply; the first that fits counts, and MOVED is an AskError too.
_CLASSES: tuple[tuple[type[Exception], str], ...] = (
    (ReadOnlyError, "it is a replica"),
    (OutOfMemoryError, "it is out of memory"),
    (ClusterDownError, "the Cluster is down"),
    (MovedError, "another node of the Cluster serves the venue now"),
    (AskError, "the Cluster moves the slot of the venue to another node"),
    (TryAgainError, "the Cluster moves the slot of the venue to another node"),
)
# By a word of its text: errors that redis-py has no class for.
_WORDS = (
    ("NOREPLICAS", "it has fewer replicas than min-replicas-to-write asks for"),
    ("MISCONF", "it cannot write to its disk"),
    ("BUSY ", "a script keeps it busy"),
)


def is_refusal(error: Exception) -> bool:
    """Whether an error reply says that the command was not run."""
    return isinstance(error, REFUSALS) or bool(_REFUSAL_TEXT.search(str(error)))


def why_unwritable(error: Exception) -> str:
    """The reason that an error reply gives; the text of the reply if it is none of the usual."""
    for kind, reason in _CLASSES:
        if isinstance(error, kind):
            return reason
    text = str(error)
    return next((reason for word, reason in _WORDS if word in text), text)
