"""Two runs side by side: what distinguishes them, the first instant at which they differ, and their headline figures.

Not here: many pairs of runs and their intervals (`study_effects`).
"""
