"""What commands print: tables, a book ladder, a candle chart, the tape, JSON.

Imports `client` for the values it shows, and everything below `client`.
"""
