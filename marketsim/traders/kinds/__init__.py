"""The kinds of traders: one file a kind, found by its file; its parameters, what is wrong between them, its sentence.

A kind that acts often brings a rule of the kernel (`rule`), one that acts seldom a desk on the clock (`desk`). May not
live here: what all groups declare (`traders.group`), what desks have in common (`traders.desk`, `traders.follower`,
`traders.knowledge`), the compiled rules (`kernel.rules`).
"""
