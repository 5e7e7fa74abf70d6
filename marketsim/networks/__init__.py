"""Networks: who looks at whom among the holders of tokens, and who is exposed to the same markets.

Lives here: what every network of influence declares (`influence`), its kinds, one file a kind (`kinds`), the drawing
of one as rows of neighbours (`links`), and the graph of exposures with its overlaps and concentrations (`exposure`).
networkx is used here, and imported when a graph is drawn: it takes a fifth of a second, which a world without networks
does not owe. May not live here: what a holder makes of its neighbours (`traders.kinds`, `kernel`), which rows of the
kernel they are (`simulation.wiring.neighbours`), anything read from a table (`analysis`).
"""
