"""What commands print: tables, a book ladder, a candle chart, the tape, JSON. Pure but for `output`.

Imports `client` for the values it shows, and everything below `client`.
"""
