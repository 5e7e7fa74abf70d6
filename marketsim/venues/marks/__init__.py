"""Mark price: what positions, NAV and margin are valued at. One file per rule: `index`, `last`, `mid`, `median`.

The base and the register are in `family`, the prices that rules are made of in `prices`. The kernel has
each compiled, in a file of the same name (`kernel/mark_rules`).
"""
