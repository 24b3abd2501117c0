"""Words of commands: bounds of numbers, and commands in place of routes in error texts."""

import re
from collections.abc import Iterable
from typing import Any

import click

# Words of commands in place of routes and headers in error texts of the services.
WORDS_OF_COMMANDS = {
    "GET /v1/instruments of the gateway": "`tapewire instruments`",
    "GET /v1/instruments": "`tapewire instruments`",
    "X-Account": "--account",
}

# A negative number, which click reads as an option.
NEGATIVE_NUMBER = re.compile(r"-\.?[0-9]")


class WholeNumber(click.IntRange):
    """A whole number from `min` to `max`."""

    name = "number"

    def convert(
        self,
        value: Any,  # noqa: ANN401 (as click declares it)
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> int:
        """The number. Raises click.BadParameter for another text, or one beyond the bounds."""
        try:
            number = int(value)
        except ValueError:
            number = None
        low, high = self.min, self.max
        if (
            number is None
            or (low is not None and number < low)
            or (high is not None and number > high)
        ):
            self.fail(f"{value} is not a whole number {self.bounds}.", param, ctx)
        return number

    @property
    def bounds(self) -> str:
        """The bounds as a reader says them."""
        if self.max is None:
            return f"of at least {self.min:,}"
        return f"from {self.min or 0:,} to {self.max:,}"

    def _describe_range(self) -> str:
        # click shows it in `--help`, behind the default.
        return self.bounds


def negative_number(words: Iterable[str]) -> str | None:
    """The first word of a command line that is a negative number."""
    return next((word for word in words if NEGATIVE_NUMBER.match(word)), None)


def name_commands(text: str) -> str:
    """An error text of a service with words of commands in place of routes and headers."""
    for word, own in WORDS_OF_COMMANDS.items():
        text = text.replace(word, own)
    return text
