"""Analysis: what finished runs and studies say, computed from their files alone.

Find here, each in its own package:

| package | what it answers |
|---|---|
| `run_data` | which part of a run is measured, what it recorded, its mids, the windows in which tokens rebalance |
| `measures` | one file a measure that a study can ask for: price share, slippage, tracking error, ... |
| `inference` | intervals, p-values, corrections for multiple tests, calibration of an inference |
| `study_effects` | arms against the arm they are compared with: effects.parquet, power, sensitivity, Shapley shares |
| `stylised_facts` | facts of one market's record beside what real markets show, of a run or of a file |
| `comparison` | two runs side by side, and the first instant at which they differ |
| `transfers` | who paid whom, to the atom |
| `crowding` | what funds would trade after a move (K), what orders move (lambda), their product, contagion |
| `loop_hypotheses` | registered hypotheses of the reset loop: predictions from probes, margins, verdicts |
| `clock_game` | issuers that choose their clock: equilibria, the price of anarchy, with intervals |
| `robustness` | how a headline moves where the world is another |
| `registrations` | which analysis a registration asks for |
| `liquidity` | what market makers earn in calm and in crashes |
| `holding` | a token's holder against a perpetual position of the same cash |
| `claims` | verdicts on what is said of leveraged tokens |

`study_tables` writes the tables that a study asks for in addition to its effects. Not here: live objects of a
simulation, which this room never sees; running anything (`simulation`, `experiments`); reading and writing run
directories (`datasets`); pages and pictures (`report`).

For researchers, reached from Python alone: `claims.verdicts`, `crowding.issuer_contagion`, `crowding.flow_overlap`,
`crowding.liquidation_cascades`, `liquidity.maker_profit`, `inference.simulation_based_calibration` and
`study_effects.shapley_shares`.
"""
