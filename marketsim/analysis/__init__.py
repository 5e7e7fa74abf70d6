"""Analysis: what finished runs say, from their files alone.

Lives here: comparisons and measures computed from the tables of one run or several (`ghosts`: what a token's holder
would have had with a perpetual). Not here: live objects of a simulation, which this room never sees; making a run
(`simulation`); reading and writing files (`datasets`); designs, arms and their effects (`experiments`); pictures
(`report`).
"""
