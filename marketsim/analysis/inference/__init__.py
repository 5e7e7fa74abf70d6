"""Statistical inference: what chance alone could have done.

Lives here: bootstrap intervals, p-values and their correction for many tests, and whether an inference is calibrated.
Everything takes arrays and functions of arrays. Not here: which runs are compared (`study_effects`).
"""
