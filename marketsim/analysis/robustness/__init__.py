"""How a headline moves where the world is another: each cell of a study against the one as declared.

| module | what it holds |
|---|---|
| `registered_headlines` | what a registration asks for: the headlines, the margin, and what each cell stands for |
| `headline_moves` | each cell's value and its change, with intervals and a verdict: headlines.parquet |

Not here: what an arm did in one cell (`study_effects`), which values matter most (`study_effects.sensitivity_indices`).
"""
