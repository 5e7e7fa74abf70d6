"""Networks: who looks at whom among the holders of tokens, and who is exposed to the same markets.

Lives here: the kinds of networks a scenario may declare (`influence`), the drawing of one as rows of neighbours
(`links`), and the graph of exposures with its overlaps and concentrations (`exposure`). networkx is used here.
May not live here: what a holder makes of its neighbours (`traders.holder`, `kernel.rules.holder`), which rows of the
kernel they are (`simulation.neighbours`), anything read from a table (`analysis`).
"""
