"""Registered hypotheses about the loop of resets: predictions without a free number, held against what was measured.

| module | what it holds |
|---|---|
| `registered_tests` | what a registration says is tested: margins, horizon, and what each cell stands for |
| `reset_sums` | what one replication of a cell says of its resets and probes, as sums |
| `cell_prediction` | what theory makes of a cell's sums: H1 to H4 and the rival of H2 |
| `loop_cells` | the cells of a study with their predictions: loop_cells.parquet |
| `resets_in_turn` | what later resets of the same funds send and push: a registration of its own |
| `hypotheses` | the tests and their verdicts: hypotheses.parquet |

What is registered, how and why so: docs/studies.md#hypotheses. Not here: measures of single arms (`measures`), the
theory itself (`crowding.loop_theory`, `crowding.concave_loop`), inference that knows nothing of resets (`inference`).
"""
