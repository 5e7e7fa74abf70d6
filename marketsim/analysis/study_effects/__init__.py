"""Effects of a study: what its arms did against the arm they are compared with, and what its varied values did.

Lives here: runs in pairs, an arm's contrast over clusters, the rows of effects.parquet, power, sensitivity indices and
Shapley shares. Not here: what a single measure reads (`measures`), how an interval is made (`inference`), two runs
outside of a study (`comparison`).
"""
