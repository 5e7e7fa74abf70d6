"""Liquidity: what those who supply it earn, in calm and in crashes.

`maker_profit` values each fill of a group of makers, and what they held, at the mid.
"""
