"""Why one rebalance or liquidation of a run happened as it did: the rule in words, its numbers, and what came of it.

Lives here: the explanation itself (`explanation`), and how one is put together from the tables of a run
(`of_rebalance`, `of_liquidation`). The words of a rule are its kind's (`issuers.policies`, `venues.engines`).
"""
