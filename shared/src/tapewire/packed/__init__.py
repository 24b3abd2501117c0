"""The packed records that Redis keeps and publishes: their fields, their text, their types.

Pure. May import: `errors`, `limits`, `values`.
"""
