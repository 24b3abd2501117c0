"""Why a Redis that answers takes no writes, as a part of a sentence. Pure."""

from redis.exceptions import (
    AskError,
    ClusterDownError,
    MovedError,
    OutOfMemoryError,
    ReadOnlyError,
    TryAgainError,
)

# By class of the error reply; the first that fits counts, and MOVED is an AskError too.
_CLASSES: tuple[tuple[type[Exception], str], ...] = (
    (ReadOnlyError, "it is a replica"),
    (OutOfMemoryError, "it is out of memory"),
    (ClusterDownError, "the Cluster is down"),
    (MovedError, "another node of the Cluster serves the venue now"),
    (AskError, "the Cluster moves the slot of the venue to another node"),
    (TryAgainError, "the Cluster moves the slot of the venue to another node"),
)
# By a word of its text: errors that redis-py has no class for, and those that a script met.
_WORDS = (
    ("NOREPLICAS", "it has fewer replicas than min-replicas-to-write asks for"),
    ("MISCONF", "it cannot write to its disk"),
    ("-OOM ", "it is out of memory"),
    ("-READONLY ", "it is a replica"),
    ("BUSY ", "a script keeps it busy"),
)


def why_unwritable(error: Exception) -> str:
    """The reason that an error reply gives; the text of the reply if it is none of the usual."""
    for kind, reason in _CLASSES:
        if isinstance(error, kind):
            return reason
    text = str(error)
    return next((reason for word, reason in _WORDS if word in text), text)
