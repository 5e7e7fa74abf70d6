"""Auto-deleveraging: who must close against a bankrupt position that nobody else can take, and in what order.

The last resort of a liquidation. Traders of the opposite side are ranked by a rule; the first in the queue close at
the bankruptcy price of the liquidated account, without fee, until the position is gone; when they run out the ledger
cohort `outside` takes the rest at the same price, so that the books always close. The price is a whole tick rounded in
the bankrupt account's favour; the less than a tick a lot this leaves stays with it. Longs and shorts are ranked apart.
One file per rule; the base, the register and the queue are in `family`.
"""
