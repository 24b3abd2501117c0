"""Verifies a journal: run again on an empty venue, it must give the same results and state."""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from tapewire.errors import ConfigurationError, RedisUnavailable
from tapewire.journal.comparison import Comparison, compare_state
from tapewire.journal.entries import JournalEntry, JournalError
from tapewire.journal.file import JournalFile
from tapewire.journal.frozen import open_frozen
from tapewire.journal.replica import Difference, Replica
from tapewire.journal.source import LiveJournal
from tapewire.redis.client import AsyncRedis, RedisAddress

# Comparisons of the state of a venue that takes commands; after these, a snapshot is compared.
ATTEMPTS_MAX = 2

Progress = Callable[[int], None]


@dataclass(slots=True)
class Verdict:
    """The verified parts: the results of all commands, and the state unless `state` is None."""

    replica: Replica
    difference: Difference | None = None
    state: Comparison | None = None
    # The venue took commands in every attempt, so that its state could not be compared.
    moved: bool = False
    # The compared state is a snapshot, because the venue itself kept changing.
    is_frozen: bool = False
    # Why no snapshot of a venue that moved could be compared.
    unfrozen_reason: str = ""
    attempts: int = field(default=0)

    @property
    def is_equal(self) -> bool:
        """Whether no difference was found."""
        return self.difference is None and not (self.state and self.state.differences)


async def verify_file(file: JournalFile, replica: Replica, progress: Progress) -> Verdict:
    """Compare the results of a file. Raises JournalError, Unavailable."""
    if file.header.is_partial:
        raise JournalError(
            f"{file.path.name} begins with command {file.header.first:,}: without the ones before "
            "it, nothing can be run again."
        )

    async def pages() -> AsyncIterator[list[JournalEntry]]:
        for page in file.pages():
            yield page

    return Verdict(replica, await _replay(pages(), replica, progress))


async def verify_venue(live: AsyncRedis, replica: Replica, progress: Progress) -> Verdict:
    """Compare the results of a venue's journal, then the state of the venue.

    The state counts only if the venue took no command while it was read. Otherwise the new commands
    are run and the state is read again, at most ATTEMPTS_MAX times. The state is not read if the
    venue took commands while the last ones were run. Raises JournalError, Unavailable.
    """
    journal = LiveJournal(live)
    await check_whole(journal)
    verdict = Verdict(replica)
    last = await journal.last()
    while verdict.attempts < ATTEMPTS_MAX:
        verdict.attempts += 1
        pages = journal.pages(replica.replayed + 1, last)
        verdict.difference = await _replay(pages, replica, progress)
        if verdict.difference is not None:
            return verdict
        cut, last = last, await journal.last()
        if last != cut:
            continue  # comparing a large venue takes minutes, and would be in vain
        state = await compare_state(live, replica)
        cut, last = last, await journal.last()
        if last == cut:
            verdict.state = state
            return verdict
    verdict.moved = True
    return verdict


async def verify_moving(
    live: AsyncRedis, address: RedisAddress, replica: Replica, progress: Progress
) -> Verdict:
    """Compare as `verify_venue`; if the venue moves, compare a snapshot of it, taken meanwhile.

    Raises JournalError, Unavailable.
    """
    verdict = await verify_venue(live, replica, progress)
    if not verdict.moved:
        return verdict
    try:
        async with open_frozen(address) as frozen:
            verdict = await verify_venue(frozen, replica, progress)
    except (ConfigurationError, RedisUnavailable) as error:
        verdict.unfrozen_reason = str(error)
    else:
        verdict.is_frozen = True
    return verdict


async def check_whole(journal: LiveJournal) -> None:
    """Raises JournalError if the beginning of the journal was trimmed."""
    first = await journal.first()
    if first > 1:
        raise JournalError(
            f"the journal was trimmed: its oldest command is number {first:,}, and the "
            f"{first - 1:,} before it are gone."
        )


async def _replay(
    pages: AsyncIterator[list[JournalEntry]], replica: Replica, progress: Progress
) -> Difference | None:
    async with aclosing(pages) as open_pages:  # type: ignore[type-var]
        async for page in open_pages:
            difference = await replica.replay(page)
            if difference is not None:
                return difference
            progress(len(page))
    return None
