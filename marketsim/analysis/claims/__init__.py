"""Verdicts on what is said of leveraged tokens: one file a claim, each computed from the tables of a run or a study.

A scenario says with `claim: WORD` which claim it puts to the test; its title is the claim in the source's words. A
claim reads tokens, markets and rules from the scenario that ran, so any scenario can be judged, not only those shipped.
`family` says what a claim is, `verdicts` reads one for a run directory or a study, `readings` is what several read.
"""
