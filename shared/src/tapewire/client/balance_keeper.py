"""Keeps a copy of an account's balances, proven by seq at every change and heartbeat. Pure."""

from collections.abc import Mapping
from typing import TypeAlias

from tapewire.client.errors import ContinuityError
from tapewire.client.tracker import Signal
from tapewire.wire.account_feed import AssetBalance, BalancesChanged, BalancesSnapshot
from tapewire.wire.feed_messages import FeedMessage, Gap, Heartbeat, Subscribed, UnknownMessage

CHANNEL = "balances"

Balances: TypeAlias = Mapping[str, AssetBalance]
"""The balances of an account, by asset."""


class BalanceKeeper:
    """The balances of one account, over all connections."""

    def __init__(self) -> None:
        self._balances: dict[str, AssetBalance] = {}
        # None before the first snapshot and after a gap: no change can be proven then.
        self._seq: int | None = None
        self._epoch = ""

    def request(self) -> dict[str, object]:
        """The subscription for a new connection, which sends a snapshot first."""
        self._seq = None
        return {"op": "subscribe", "channels": [CHANNEL]}

    def offer(
        self, message: FeedMessage | UnknownMessage
    ) -> list[Balances | ContinuityError | Signal]:
        """Take the next message of the connection; returns balances, errors and signals."""
        match message:
            case Subscribed():
                self._seq = None
            case BalancesSnapshot():
                self._epoch, self._seq = message.epoch, message.seq
                self._balances = {balance.asset: balance for balance in message.data}
                return [dict(self._balances)]
            case BalancesChanged():
                return self._change(message)
            case Gap(channel="balances"):
                # A snapshot follows.
                self._seq = None
            case Heartbeat(seq={"balances": seq}) if self._seq is not None and seq > self._seq:
                return [Signal.RECONNECT]
        return []

    def _change(self, message: BalancesChanged) -> list[Balances | ContinuityError | Signal]:
        if self._seq is None or message.epoch != self._epoch:
            # The feed sends a snapshot after a change of the epoch.
            return []
        if message.seq <= self._seq:
            return []
        if message.seq > self._seq + 1:
            return [Signal.RECONNECT]
        self._seq = message.seq
        self._balances |= {balance.asset: balance for balance in message.data}
        return [dict(self._balances)]
