"""The index: the outside price of an underlying, which the perpetual follows and (with `pass_through`) teaches.

One file per kind: `constant`, `gbm`, `log_ou_vol`, `path`, `file`. What they share: the base and the register
(`family`), what a path answers (`index_path`), levels written down (`listed_path`), growth drawn at random
(`random_path`). Not here: which underlyings there are and how they are correlated (`venues.underlying`,
`venues.correlation`), the paths of one replication (`venues.index_paths`), what the perpetual teaches the index
(`kernel`).
"""
