"""Crowding: what funds trade after a move (K), what their orders move (lambda), and the product (Lambda).

After a return r funds send orders K r, these move prices by lambda K r, and funds trade after that move too.

| module | what it holds |
|---|---|
| `probe_impact`, `reset_impact` | what the probes of a study moved; the same by reset, side and market |
| `crowding_number` | Lambda = lambda K, and the returns that it multiplies |
| `loop_theory`, `predicted_multiplier` | what theory predicts; the prediction for a reset from its probes |
| `market_response` | what liquidations and contrarian traders trade after a move |
| `flow_overlap` | which tokens and issuers would trade the same markets |
| `issuer_contagion`, `liquidation_cascades` | rebalances that set off others; liquidations that do |
| `run_crowding`, `study_crowding` | the manifest's crowding block of one run; crowding.parquet of a study |

K is read in `run_data.reset_demand`.
"""
