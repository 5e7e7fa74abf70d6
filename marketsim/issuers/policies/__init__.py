"""Rebalancing policies, one file a family: when a token trades, and to which leverage.

Here: what a policy sees and answers (`decision`), at which instants it looks (`looks`), and the families themselves,
each with its declaration (`daily`, `band`, `variable`, `fli`, `tlx`). Not here: waiting, sending and remembering
(`issuer`), how an order is worked (`algorithms`), arithmetic without a decision (`nav`). `rebalancing` makes the policy
a declaration asks for. Leverages in bands and emergencies are absolute.
"""
