"""The output of commands: tables, a book ladder, a candle chart, the tape, JSON.

May import: `errors`, `limits`, `runtime`, `values`, `wire`, `client`.
"""
