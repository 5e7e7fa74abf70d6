"""Analysis: what finished runs say, from their files alone.

Lives here, of one run or of two: `measures` is the registry of what a study can measure, its terms in `moves` (pairs of
one luck), `executions` and `outcomes` (single runs), over the `windows` in which tokens rebalance and the `mids` there;
`crowding` and `impact`: K, lambda and their product; `transfers` says who paid whom; `contagion` who set off whom;
`comparison` puts two runs side by side, `parting` finds where they part; `ghosts` what a token's holder would have had
with a perpetual. Of a study: its arms in `pairs`, their `effects`, its `power`, its `sensitivity` to what it varies,
and whether an inference is believable (`calibration`). Not here: live objects of a simulation, which this room never
sees; making a run (`simulation`); reading and writing files (`datasets`); designs and the running of studies
(`experiments`); pictures (`report`).
"""
