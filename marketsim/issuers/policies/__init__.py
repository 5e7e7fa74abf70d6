"""Rebalance policies, one file a kind: when a token trades, to which leverage, and so how large a reset is.

`family` says what a kind brings: its declaration with ranges and faults, its sentence, its triggers, and the policy it
makes. The kinds are `none`, `daily`, `band`, `variable`, `fli`, `tlx`. Beside them stands what they share: what a
policy sees and answers (`decision`), at which instants it looks (`looks`), borders of leverage and of the price's move
(`borders`). Not here: waiting, sending and remembering (the desk), how an order is worked (`algorithms`), arithmetic
without a decision (`nav`). Leverages in bands and emergencies are absolute.
"""
