"""The options of `tapewire replay`, read and checked against each other."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import click

SPEED_MAX = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayChoice:
    """The options of `tapewire replay`."""

    file: Path | None
    sample: bool
    symbol: str | None
    format_name: str | None
    speed: float | None
    wanted_venue: str | None
    gateway: str | None
    accounts: tuple[str, ...]
    api_key_files: tuple[Path, ...]
    ca_file: Path | None
    clock: Literal["venue", "recorded"] | None
    start_us: int | None
    limit: int | None
    seed: bool
    seed_book: Path | None
    in_flight: int

    def check(self) -> None:
        """Refuse options that contradict each other. Raises UsageError."""
        if self.sample == (self.file is not None):
            raise click.UsageError("name either a FILE or --sample")
        if self.seed_book is not None and not self.seed:
            raise click.UsageError("--seed-book names the seed that --no-seed leaves out; give one")
        if self.gateway and self.wanted_venue:
            raise click.UsageError("--gateway and --venue both name a venue; give one of them")


def read_speed(_context: click.Context, _option: click.Parameter, value: str) -> float | None:
    """The speed in recorded seconds per second; None for "max". Raises BadParameter."""
    if value == "max":
        return None
    try:
        speed = float(value)
    except ValueError:
        speed = 0.0
    if not 0 < speed <= SPEED_MAX:
        raise click.BadParameter(f'{value!r} is neither "max" nor a number above 0')
    return speed


def read_names(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    """The accounts of every `--account`, in order. Raises BadParameter."""
    names = tuple(name.strip() for value in values for name in value.split(","))
    if not all(names):
        raise click.BadParameter("a name is empty: write NAME,NAME without a comma too many")
    for name in names:
        if names.count(name) > 1:
            raise click.BadParameter(f"{name} is named twice: orders go to each account in turn")
    return names
