"""The index: the outside price of an underlying, which the perpetual follows and (with `pass_through`) teaches.

One file per kind. Levels written down: `constant`, `path`, `file`. Growth drawn at random: `gbm`, `log_ou_vol`,
`heston`, `jump_diffusion`, `ou`, `ar1`, `regime`. What is shown of the underlying's latent fundamental: `latent`. What
they share: the base and the register (`family`), what a path answers (`index_path`), levels (`listed_path`), random
growth (`random_path`, `random_index`). Not here: which underlyings there are and how they are correlated
(`venues.underlying`, `venues.correlation`), the paths of one replication (`venues.underlying_paths`), what the
perpetual teaches the index (`kernel`).
"""
