"""The venue: what is traded, at which prices, against which margin, and what happens to those who run out of it.

Lives here: contracts, fees, the index, mark prices, funding, margin, liquidation, insurance, deleveraging, the door
orders go through (`gateway`) and the window others look through (`view`), and the Specs of all of these.
May not live here: loops over traders or orders (`kernel`), anything that knows what a token or an issuer is
(`issuers`), decisions of traders (`traders`), files and frames (`datasets`).
Formulas without time are in the noun's own file; the process that says when is in `perp`.
"""
