"""Analysis: what finished runs say, from their files alone.

Lives here: comparisons and measures computed from the tables of one run or several. `measures` is the registry of what
a study can measure, its terms in `moves` (pairs of one luck), `executions` and `outcomes` (single runs), over the
`windows` in which tokens rebalance and the `mids` there; `transfers` says who paid whom; `contagion` who set off whom;
`comparison` puts two runs side by side, `parting` finds where they part; `ghosts` what a token's holder would have had
with a perpetual. Not here: live objects of a simulation, which this room never sees; making a run
(`simulation`); reading and writing files (`datasets`); designs, arms and their effects (`experiments`); pictures
(`report`).
"""
