"""The interactive page of `marketsim ui`: choose a world, move its parameters, run it and its twin, read results.

The page runs nothing itself: a run is `marketsim run --live` in a process of its own (`live_run`), so that what the
page makes is what the command makes, and Stop is Ctrl-C. Lives here: who may speak to the page (`guard`), the world in
hand (`world`) and which of its values move between which limits (`parameters`), what a run and its twin have told so
far (`observations`), charts and figures of it (`charts`), the results folder (`results`), the page (`page`, `controls`
on its left, `readout` on its right) and its server (`server`). Only this room imports NiceGUI (ARCHITECTURE D42). May
not live here: a number that no table has, a limit that no Spec states.
"""
