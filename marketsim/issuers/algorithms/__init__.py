"""Execution algorithms, one file a kind: how one parent order becomes timed children.

`family` says what a kind brings: its declaration with ranges and faults, its sentence, and the plan it makes. The kinds
are `market`, `off_book`, `ioc_ladder`, `twap`, `pov`, `passive`, `hidden`. Beside them stands what they share: what a
plan sees and answers (`child`), one child or equal slices (`slicing`), the cap on a share of the market's volume
(`participation`). Not here: sending a child, hearing of its fills and giving up (the executor), what is traded and why
(`policies`). A plan is pure: lots a child could not fill stay in what remains, so it never loses any; what remains at
the end is the parent's backlog.
"""
