"""Who paid whom: the transfer matrix between the cohorts of a run, which closes to the atom.

`transfer_matrix` puts it together from trades valued ten minutes later (`trade_transfers`), positions handed over at
liquidations (`position_handovers`), the ledger, and what positions earned at the mark. `reset_transfers` has the trades
around each reset by themselves, `reset_payers` what each cohort got of them in the end; `break_even` the assets from
which on a fund's resets cost more than its fee brings.
"""
