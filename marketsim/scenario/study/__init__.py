"""The block `study`: what `sweep` runs with a scenario. `run` leaves it alone.

A study has cells (the points of `over`), replications (draws of all random numbers), and arms (interventions on a
replication, with common random numbers). What an arm does to a world is in `simulation.arms`; here is only its
declaration. `study` is the whole block; beside it stands a file for each part of it.
"""
