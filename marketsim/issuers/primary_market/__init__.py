"""The primary market: creation and redemption of units, from the request to delivery.

`terms` has the declaration, prices and fees as formulas, `caps` and `limits` what is too small or too much, `nav_quote`
and `pricing` the price that is dealt at. `desk` hears requests and deals them, lets them wait or refuses them
(`requests`); `dealing` takes what the client gives, `settlement` hedges and pays, `delivery` hands over.
"""
