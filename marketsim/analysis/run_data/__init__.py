"""What all other parts of the analysis read of one finished run.

Lives here: the part of a run that is measured, what it recorded and how often, mids, rebalance windows and orders, NAVs
through splits. Not here: anything that compares runs or weighs evidence.
"""
