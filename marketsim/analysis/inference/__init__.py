"""Statistical inference: what chance alone could have done.

Lives here: intervals and p-values of a number told from few independent replications, p-values corrected for many
tests, and whether an inference is calibrated. Everything takes arrays and functions of arrays. Not here: which runs are
compared (`study_effects`).
"""
