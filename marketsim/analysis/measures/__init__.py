"""Measures: what a study can ask of its runs, one class in one file each.

A measure adds up terms. A term holds the sums of one rebalance window, one UTC day or one whole run; those of a
replication, its days and forks, are put together first, and those of all replications before anything is divided, so a
value is a ratio of sums and never a mean of ratios. A measure of single runs is compared across arms by the difference
of its values; a measure of pairs reads a run of an arm and one of the baseline. What becomes of the terms (rows,
intervals, tests, sentences) is in `study_effects`.

To add one, write one file with a class derived from `RunMeasure` or `PairMeasure` (`family`), with `name`, `unit`,
`if_nothing`, `terms` and, unless it is a `RatioOfSums`, `value`; the first line of its docstring says what it is in
`marketsim list measures`. Another distribution adds one by the entry-point group `marketsim.kinds`.

Not here: the tables that `study.measures` may also ask for (`crowding_number`, `transfers`: `study_tables`).
"""
