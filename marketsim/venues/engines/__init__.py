"""Liquidation engines: how a venue closes an account below maintenance. One file per engine, named for its venue.

The base and the register are in `family`. What all engines share, prices and fees, is in `venues.liquidation`; when
they act is the kernel's.
"""
