"""The sequencer against a simple venue: loss, repetition, disorder, a trimmed log, new epochs.

The venue is a list of trades per symbol. Whatever reaches the sequencer, what it sends must be
every trade since the start, in order, once, with each hole told exactly and only if the log had
lost it; and after a round of the canary nothing may be missing.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from market_data.feed.sequencer import Lost, Positions, Sequencer, Verdict
from tapewire.wire.trade_event import TradeMessage
from tests.support.feeds.trades import trade_message

SYMBOLS = st.sampled_from(["A", "B"])
PAGE_TRADES = 4


class Subscriber(RuleBasedStateMachine):
    """One venue, one subscription that loses, repeats and reorders, one sequencer."""

    def __init__(self) -> None:
        """The venue has no epoch yet."""
        super().__init__()
        self.sequencer = Sequencer()
        self.epoch = 0
        self.made: dict[str, int] = {}
        self.trimmed: dict[str, int] = {}
        self.sent: dict[str, list[int]] = {}
        self.on_the_way: list[TradeMessage] = []
        self.published: list[TradeMessage] = []

    @initialize(made=st.fixed_dictionaries({"A": st.integers(0, 3), "B": st.integers(0, 3)}))
    def begin(self, made: dict[str, int]) -> None:
        """Subscribe to a venue that has traded already."""
        self._new_epoch(made)
        self.sequencer.start(self._positions())
        self.sent = {symbol: [seq] for symbol, seq in made.items()}

    @rule(symbol=SYMBOLS, count=st.integers(1, 5), lost=st.booleans())
    def trade(self, symbol: str, count: int, lost: bool) -> None:
        """Print trades; the subscription hears of all or of none of them."""
        for _ in range(count):
            self.made[symbol] += 1
            message = trade_message(self.made[symbol], symbol, f"e{self.epoch}")
            self.published.append(message)
            if not lost:
                self.on_the_way.append(message)

    @rule(which=st.integers(0, 50), at=st.integers(0, 50))
    def repeat(self, which: int, at: int) -> None:
        """Put an earlier message, perhaps of an earlier epoch, somewhere among the next ones."""
        if self.published:
            message = self.published[which % len(self.published)]
            self.on_the_way.insert(at % (len(self.on_the_way) + 1), message)

    @rule(order=st.randoms(use_true_random=False))
    def shuffle(self, order: object) -> None:
        """Let messages overtake each other."""
        order.shuffle(self.on_the_way)  # type: ignore[attr-defined]

    @rule(symbol=SYMBOLS, kept=st.integers(0, 3))
    def trim(self, symbol: str, kept: int) -> None:
        """Take all but the newest entries out of the log."""
        self.trimmed[symbol] = max(self.trimmed[symbol], self.made[symbol] - kept)

    @rule(symbol=SYMBOLS, ahead=st.integers(1, 2**40))
    def lie(self, symbol: str, ahead: int) -> None:
        """A foreign publisher sends a trade whose number is too high."""
        seq = self.made[symbol] + 1 + ahead
        self.on_the_way.append(trade_message(seq, symbol, f"e{self.epoch}"))

    @rule(made=st.fixed_dictionaries({"A": st.integers(0, 3), "B": st.integers(0, 3)}))
    def flush(self, made: dict[str, int]) -> None:
        """A new epoch begins."""
        self._new_epoch(made)

    @rule()
    def deliver(self) -> None:
        """Hand over everything on its way, as one batch."""
        batch, self.on_the_way = self.on_the_way, []
        for message in batch:
            verdict = self.sequencer.offer(message)
            if verdict is Verdict.DELIVER:
                self._send(message)
            elif verdict is Verdict.UNKNOWN:
                self._expect()
        self._refill()

    @rule()
    def canary(self) -> None:
        """A round came back: what is missing now is read, and nothing is missing then."""
        self.deliver()
        self._expect()
        self._refill()
        for symbol, made in self.made.items():
            assert self.sequencer.seqs[symbol] == made
            assert self.sent[symbol][-1] == made

    @invariant()
    def everything_is_sent_once_and_in_order(self) -> None:
        """Each number of an epoch stands once, the next behind the last."""
        for seqs in self.sent.values():
            assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))

    def _new_epoch(self, made: dict[str, int]) -> None:
        self.epoch += 1
        self.made = dict(made)
        self.trimmed = dict.fromkeys(made, 0)

    def _positions(self) -> Positions:
        return Positions(f"e{self.epoch}", dict(self.made), {})

    def _expect(self) -> None:
        if not self.sequencer.expect(self._positions()):
            self.sequencer.restart(self._positions())
            self.sent = {symbol: [0] for symbol in self.made}

    def _refill(self) -> None:
        while self.sequencer.targets:
            symbol = next(iter(self.sequencer.targets))
            messages, ended = self._read(symbol, self.sequencer.seqs[symbol])
            doubtful = self.sequencer.doubts(symbol, messages, log_ended=ended)
            if doubtful and self.sequencer.correct(self._positions()):
                self._expect()
                continue
            for item in self.sequencer.refill(symbol, messages, log_ended=ended):
                if isinstance(item, Lost):
                    assert item.name == symbol
                    assert item.last <= self.trimmed[symbol], "told as lost, but in the log"
                    self.sent[symbol] += range(item.first, item.last + 1)
                else:
                    self._send(item)

    def _read(self, symbol: str, after: int) -> tuple[list[TradeMessage], bool]:
        first = max(after, self.trimmed[symbol]) + 1
        seqs = range(first, self.made[symbol] + 1)[:PAGE_TRADES]
        messages = [trade_message(seq, symbol, f"e{self.epoch}") for seq in seqs]
        return messages, len(messages) < PAGE_TRADES

    def _send(self, message: TradeMessage) -> None:
        event = message.event
        assert event.epoch == self.sequencer.epoch
        self.sent[event.symbol].append(event.seq)


TestSequencer = Subscriber.TestCase
TestSequencer.settings = settings(stateful_step_count=40)
