"""Analysis: what finished runs say, from their files alone.

Lives here: comparisons and measures computed from the tables of one run or several (`ghosts`: what a token's holder
would have had with a perpetual), and what a study's runs say together: its arms in `pairs`, their `effects`, its
`power`, the `sensitivity` to what it varies, and whether an inference is believable (`calibration`). Not here: live
objects of a simulation, which this room never sees; making a run (`simulation`); reading and writing files
(`datasets`); designs and the running of studies (`experiments`); pictures (`report`).
"""
