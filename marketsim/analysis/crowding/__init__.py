"""Crowding: what funds would trade after a move (K), what their orders move (lambda), and the product (Lambda).

After a return r funds send orders K r, these move prices by lambda K r, and funds trade after that move too.

| module | what it holds |
|---|---|
| `rebalance_demand` | K, from positions and targets |
| `probe_impact`, `regression_impact` | lambda, from forked probes or from a run's own trades |
| `crowding_number` | Lambda = lambda K, and the multipliers that theory derives from it |
| `loop_theory` | what theory predicts of the loop of resets, as functions of numbers: reads no run |
| `market_response` | what liquidations and contrarian traders trade after a move |
| `flow_overlap` | which tokens and issuers would trade the same markets |
| `issuer_contagion`, `liquidation_cascades` | rebalances that set off others; liquidations that do |
| `run_crowding`, `study_crowding` | the manifest's crowding block of one run; crowding.parquet of a study |
"""
