"""The message of every contestant: a trade event of Tapewire with its time of sending."""

import time


def message(seq: int, epoch: str = "benchmark", symbol: str = "BTC-USDT") -> bytes:
    """About 240 bytes; `t` is CLOCK_MONOTONIC in nanoseconds, read by the load client."""
    return (
        b'{"t":%d,"trade_id":"%b-%d","seq":%d,"symbol":"%b","price":"60000.00",'
        b'"quantity":"1.50000","aggressor_side":"buy","maker_order_id":"1000001",'
        b'"taker_order_id":"1000002","timestamp":"2026-01-31T12:00:00.000001Z","epoch":"%b"}'
        % (time.monotonic_ns(), symbol.encode(), seq, seq, symbol.encode(), epoch.encode())
    )
