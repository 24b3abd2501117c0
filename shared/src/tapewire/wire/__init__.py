"""Events and messages that travel: trades, books, markets, accounts.

Pure. May import: `errors`, `limits`, `values`, `matching.layout`, `matching.packing`,
`matching.records`.
"""
