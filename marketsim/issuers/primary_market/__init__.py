"""The primary market: creation and redemption of units, from the request to delivery.

`terms` has prices and fees as formulas, `caps` limits by day and account, `nav_quote` the NAV that is dealt at; `desk`
hears requests, refuses them or lets them wait; `settlement` moves cash, units and perpetuals.
"""
