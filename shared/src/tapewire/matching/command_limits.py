"""The bounds that every command takes with its call and that the journal keeps with it."""

from dataclasses import dataclass

from tapewire.limits import (
    CLOSED_ORDER_KEPT_S,
    FOK_MAKERS_MAX,
    JOURNAL_COMMANDS_MAX,
    MAKERS_PER_COMMAND_MAX,
    REPLAY_LOG_TRADES_MAX,
    STOPS_PER_COMMAND_MAX,
)
from tapewire.packed.layout import COMMAND_LIMITS


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchingLimits:
    """The bounds that the commands take with every call; the defaults are the venue's."""

    makers_per_command_max: int = MAKERS_PER_COMMAND_MAX
    closed_order_kept_s: int = CLOSED_ORDER_KEPT_S
    replay_log_trades_max: int = REPLAY_LOG_TRADES_MAX
    journal_commands_max: int = JOURNAL_COMMANDS_MAX
    stops_per_command_max: int = STOPS_PER_COMMAND_MAX
    fok_makers_max: int = FOK_MAKERS_MAX
    # Without it an account may go below zero: simulations, replays.
    funds_checked: bool = False

    def packed(self) -> str:
        """As the functions take them."""
        return COMMAND_LIMITS.write(
            (
                self.makers_per_command_max, self.closed_order_kept_s, self.replay_log_trades_max,
                self.journal_commands_max, self.stops_per_command_max, int(self.funds_checked),
                1, self.fok_makers_max,
            )
        )  # fmt: skip
