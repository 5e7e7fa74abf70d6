"""Issuers of leveraged tokens: who holds the perpetuals behind a token, and who decides when to trade them.

Here: the token and its state, NAV and leverage arithmetic, rebalancing policies, execution of a parent order in timed
children, fees charged to a token, the exact attribution of its result, and the process that turns all of it. Not here:
what a venue does with an order (`venues`), what holders of a token want (`traders`), how a row is stored (`datasets`).
An issuer reads `venues.view` and acts through `venues.gateway`; it never sees a trader, and no venue knows what an
issuer is. A formula without time belongs in `nav.py`; a rule that decides *what* in `policies`; how an order is
cut in `algorithms`; who sends its children in `dealer.py`; what decides *when* in `issuer.py`. Creation and redemption:
their formulas in `primary.py`, limits in `caps.py`, who is heard when in `counter.py`, what moves in `settlement.py`;
who holds units in `holdings.py`; splits, suspension and the end of a token in `lifecycle.py`.
"""
