"""Experiments: from the block `study` of a scenario to the runs it consists of.

Lives here: the points a study is made at (`points`), its cells and its plan of runs (`design`), and a world as a
function of parameters (`simulate`). May not live here: what a run is (`simulation`), where it is kept (`datasets`),
what runs say (`analysis`, which this room does not see).
"""
