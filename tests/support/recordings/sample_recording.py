"""Makes the recording that comes with the package: half an hour of a market that nobody traded.

    python -m tests.support.recordings.sample_recording

writes it anew. Makers quote around a fair price that drifts, takers come in bursts, most quotes are
canceled: 5 levels of a side, a few trades a second. Everything follows from `SEED`.
"""

import gzip
from collections.abc import Iterator
from pathlib import Path
from random import Random

from tapewire.replay import recording
from tapewire.replay.flow_csv import COLUMNS

SEED = 20_260_105
# 2026-01-05, 09:00 UTC.
START_US = 1_767_603_600_000_000
DURATION_US = 30 * 60 * 1_000_000
REQUESTS = 6_000
FAIR_TICKS = 6_000_000
TICKS_PER_UNIT = 100
LOTS_PER_UNIT = 100_000
QUOTES_MAX = 40
PATH = Path(recording.__file__).with_name(recording.SAMPLE_NAME)


def sample_text() -> str:
    """The whole file, as CSV."""
    rows = [",".join(COLUMNS), *_rows(Random(SEED))]
    return "\n".join(rows) + "\n"


def _rows(random: Random) -> Iterator[str]:
    def below(bound: int) -> int:
        # Of all functions of Random only this one is promised to stay as it is.
        return int(random.random() * bound)

    fair, time_us = FAIR_TICKS, START_US
    quotes: list[str] = []
    for number in range(1, REQUESTS + 1):
        time_us += 1 + below(2 * DURATION_US // REQUESTS)
        fair += below(201) - 100
        side = "buy" if below(2) else "sell"
        away = -1 if side == "buy" else 1
        chance = below(100)
        if chance < 42 and len(quotes) >= QUOTES_MAX // 4:
            yield f"{time_us},cancel,{quotes.pop(below(len(quotes)))},,,"
        elif chance < 55:
            lots = 1_000 * (1 + below(30))
            kind, price = ("market", "") if below(3) == 0 else ("ioc", _price(fair - away * 900))
            yield f"{time_us},{kind},t{number},{side},{price},{_quantity(lots)}"
        else:
            price = _price(fair + away * (200 + 100 * below(5)))
            yield f"{time_us},add,m{number},{side},{price},{_quantity(1_000 * (5 + below(50)))}"
            quotes.append(f"m{number}")
            if len(quotes) > QUOTES_MAX:
                time_us += 1
                yield f"{time_us},cancel,{quotes.pop(0)},,,"


def _price(ticks: int) -> str:
    return f"{ticks // TICKS_PER_UNIT}.{ticks % TICKS_PER_UNIT:02d}"


def _quantity(lots: int) -> str:
    return f"{lots // LOTS_PER_UNIT}.{lots % LOTS_PER_UNIT:05d}"


if __name__ == "__main__":
    PATH.write_bytes(gzip.compress(sample_text().encode(), mtime=0))
