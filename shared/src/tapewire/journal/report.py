"""The report of a verification, as lines."""

from collections.abc import Iterator

from tapewire.journal.comparison import Comparison
from tapewire.journal.verification import Verdict


def report_lines(verdict: Verdict, elapsed_s: float) -> Iterator[str]:
    """The lines of a report: compared keys, exceptions, and every difference."""
    replica = verdict.replica
    kinds = ", ".join(f"{op} {count:,}" for op, count in replica.ops.most_common())
    rate = replica.replayed / elapsed_s if elapsed_s else 0
    yield f"commands  {replica.replayed:,} run again ({kinds or 'none'})"
    yield f"rate      {rate:,.0f} commands/s, {elapsed_s:.1f} s"
    if replica.forgotten:
        yield (
            f"reused    {replica.forgotten:,} client order ids, after their orders had left with "
            "their time"
        )
    if verdict.difference is not None:
        yield f"DIFFERENT {verdict.difference}"
        return
    yield "results   every one as recorded"
    if verdict.state is not None:
        if verdict.is_frozen:
            yield (
                f"snapshot  of command {replica.replayed:,}, because the venue took commands "
                "meanwhile"
            )
        yield from _state_lines(verdict.state)
    elif verdict.moved:
        yield (
            f"state     not compared: the venue took commands during each of {verdict.attempts} "
            f"attempts, and no snapshot of it could be read ({verdict.unfrozen_reason}); ask again "
            "when the venue is quiet, or halt its markets"
        )
    else:
        yield "state     not compared: a file holds commands and results only"


def _state_lines(state: Comparison) -> Iterator[str]:
    kinds = ", ".join(f"{family} {count:,}" for family, count in sorted(state.equal.items()))
    yield f"state     {state.equal.total():,} keys equal ({kinds})"
    if state.departed.total():
        kinds = ", ".join(f"{family} {count:,}" for family, count in sorted(state.departed.items()))
        yield f"excepted  {state.departed.total():,} keys left the venue with their time ({kinds})"
    if state.trimmed.total():
        kinds = ", ".join(
            f"{name} {count:,}" for name, count in sorted(state.trimmed.items()) if count
        )
        yield f"excepted  {state.trimmed.total():,} old entries were trimmed ({kinds})"
    if state.foreign:
        yield f"excepted  {state.foreign:,} keys that no command writes"
    for difference in state.differences:
        yield f"DIFFERENT {difference}"
    if state.is_full:
        yield "          there may be more"
