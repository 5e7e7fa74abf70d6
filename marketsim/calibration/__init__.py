"""The calibration of the base worlds by simulated moments: `make calibrate WORLD=btc-perp`.

A plan (`plans`, one file a world) names the free parameters, the facts that they are fitted to with their weights, and
those held out of the fit. A trial (`trial`) runs the world at one point for a window of some hours, on the same seeds
every time, and measures its facts (`analysis.stylised_facts`); its loss (`loss`) is how far these are outside the
ranges of real markets. The search (`search`) draws points by Optuna and keeps every trial in a file, so that a search
that was ended goes on where it was. Nothing of it is needed to run a world: what was found is written into the world's
file by hand, with its figures, and measured again there on other seeds (`tests/verification`).
"""
