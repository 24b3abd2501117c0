"""What commands print: tables, a book ladder, a candle chart, the tape, JSON.

May import: `errors`, `limits`, `runtime`, `values`, `wire`, `client`.
"""
