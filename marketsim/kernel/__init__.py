"""The compiled room: everything that happens millions of times in a run, on plain records and integers.

Lives here: the book, accounts, positions, margin, liquidation, the traders' decision rules and the loop that advances
them. May not live here: names, units, YAML, frames, processes, anything of another room. Integers and addresses come
in, codes and log rows go out. Formulas are mirrored by name in `venues` (timing, sources) and twinned in plain Python
in `tests/reference`. Elsewhere: when something happens -> `clock` and the processes above; what a number means ->
`units`.
"""

from marketsim.kernel.cache import cache_folder, is_warm, source_hash

__all__ = ["cache_folder", "is_warm", "source_hash"]
