"""The played steps of a recording, and the caveats of a comparison with it. Pure."""

from collections.abc import Iterable, Iterator

from tapewire.replay.recording import Recording
from tapewire.replay.steps import Enter, RecordedTrade, ReplayError, Step, checked_time_us


def choose_steps(recording: Recording, *, seed: bool, limit: int | None) -> list[Step]:
    """The steps to play: the seed if wanted, then the flow with its first `limit` requests."""
    seeds = [step for step in recording.steps if isinstance(step, Enter) and step.is_seed]
    flow = (step for step in recording.steps if not (isinstance(step, Enter) and step.is_seed))
    return (seeds if seed else []) + list(_first_requests(flow, limit))


def _first_requests(flow: Iterable[Step], limit: int | None) -> Iterator[Step]:
    """The steps up to the last of `limit` requests, with the trades that it made."""
    requests = 0
    for step in flow:
        if not isinstance(step, RecordedTrade):
            requests += 1
            if limit is not None and requests > limit:
                return
        yield step


def caveats(recording: Recording, *, seed: bool) -> Iterator[str]:
    """Why trades of the replay cannot be compared with the recorded ones, a sentence each."""
    if recording.caveat is not None:
        yield recording.caveat
    if not seed and any(isinstance(step, Enter) and step.is_seed for step in recording.steps):
        yield "the replay began without the book that the recording began with"


def check_times(recording: Recording, start_us: int) -> None:
    """Check that venue time can hold every step; `start_us` is the moment of time 0.

    Raises ReplayError.
    """
    times_us = [step.time_us for step in recording.steps] or [0]
    try:
        for time_us in (min(times_us), max(times_us)):
            checked_time_us(start_us + time_us)
    except ValueError as error:
        raise ReplayError(f"with this start, a step is outside of venue time: {error}") from None
