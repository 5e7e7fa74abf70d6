"""Who paid whom: the transfer matrix between the cohorts of a run, which closes to the atom.

`transfer_matrix` puts it together from trades valued ten minutes later (`trade_transfers`), positions handed over at
liquidations (`position_handovers`), the ledger, and what positions earned at the mark. `reset_transfers` has the trades
around each reset by themselves.
"""
