"""Listed events: what a scenario lets happen at a stated time, to an index, a market or a token.

One file per kind: its keys, what may be wrong with them, its words, and what it does when it falls due, through the
narrow port of `family`. Not here: who carries that out (`simulation.listed`), what befalls a token (`issuers`), what
the venue does (`venues`).
"""
