"""Plain twin of the flexible leverage index: the published contract, with coins for collateral and dollars for debt.

Written from the rules of `FlexibleLeverageStrategyExtension.sol` (IndexCoop/index-coop-smart-contracts@c852c02) alone:
its names, its order of checks, one function a call. Amounts are rational numbers. A fund with a perpetual as collateral
is the same with no collateral factor, so nothing limits what it borrows; its coins come in lots.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor


@dataclass
class Settings:
    target: Fraction
    minimum: Fraction
    maximum: Fraction
    recentering_speed: Fraction
    incentivized: Fraction
    rebalance_interval: int
    twap_cooldown: int
    incentivized_cooldown: int
    twap_max_trade: Fraction
    incentivized_max_trade: Fraction
    collateral_factor: Fraction | None = None
    unutilized: Fraction = Fraction(0)
    ether_reward: Fraction = Fraction(0)
    lot: Fraction | None = None

    def __post_init__(self) -> None:
        assert 0 < self.minimum <= self.target <= self.maximum
        assert 0 < self.recentering_speed <= 1
        assert self.incentivized >= self.maximum
        assert self.rebalance_interval >= self.twap_cooldown >= self.incentivized_cooldown
        assert self.twap_max_trade != 0


class RevertError(Exception):
    """What the contract does with a call it does not allow."""


class FlexibleLeverage:
    """One fund: `collateral` coins (negative when it is short), `debt` dollars, and the contract's storage."""

    def __init__(self, settings: Settings, collateral: Fraction, debt: Fraction, ether: Fraction = Fraction(0)) -> None:
        self.settings = settings
        self.collateral = collateral
        self.debt = debt
        self.ether = ether
        self.global_last_trade = 0
        self.exchange_last_trade = 0
        self.twap_leverage_ratio: Fraction | None = None
        self.chunk = self.total = self.reward = Fraction(0)

    # -- reading

    def current_leverage_ratio(self, price: Fraction) -> Fraction:
        value = self.collateral * price
        return abs(value) / (value - self.debt)

    def new_leverage_ratio(self, current: Fraction) -> Fraction:
        s = self.settings
        recentred = current * (1 - s.recentering_speed) + s.target * s.recentering_speed
        return max(s.minimum, min(s.maximum, recentred))

    def should_rebalance(self, price: Fraction, now: int) -> str:
        """ripcord > iterate > rebalance > none."""
        for name, call in (
            ("ripcord", self.may_ripcord),
            ("iterate", self.may_iterate),
            ("rebalance", self.may_rebalance),
        ):
            if call(price, now):
                return name
        return "none"

    def may_ripcord(self, price: Fraction, now: int) -> bool:
        s = self.settings
        is_above = self.current_leverage_ratio(price) >= s.incentivized
        return is_above and self.exchange_last_trade + s.incentivized_cooldown < now

    def may_iterate(self, price: Fraction, now: int) -> bool:
        return self.twap_leverage_ratio is not None and self._is_normal(
            price, now - self.exchange_last_trade > self.settings.twap_cooldown
        )

    def may_rebalance(self, price: Fraction, now: int) -> bool:
        return self.twap_leverage_ratio is None and self._is_normal(
            price, now - self.global_last_trade > self.settings.rebalance_interval
        )

    def _is_normal(self, price: Fraction, has_waited: bool) -> bool:
        s, current = self.settings, self.current_leverage_ratio(price)
        return current < s.incentivized and (has_waited or current > s.maximum or current < s.minimum)

    def is_advantageous(self, price: Fraction) -> bool:
        current, twap, target = self.current_leverage_ratio(price), self.twap_leverage_ratio, self.settings.target
        assert twap is not None
        return (twap < target and current >= twap) or (twap > target and current <= twap)

    # -- calling

    def rebalance(self, price: Fraction, now: int) -> None:
        if not self.may_rebalance(price, now):
            raise RevertError
        new = self.new_leverage_ratio(self.current_leverage_ratio(price))
        self._trade(price, new, self.settings.twap_max_trade)
        self._stamp(now)
        if self.chunk < self.total:
            self.twap_leverage_ratio = new

    def iterate_rebalance(self, price: Fraction, now: int) -> None:
        if not self.may_iterate(price, now):
            raise RevertError
        self.chunk = self.total = Fraction(0)
        if not self.is_advantageous(price):
            assert self.twap_leverage_ratio is not None
            self._trade(price, self.twap_leverage_ratio, self.settings.twap_max_trade)
        self._stamp(now)
        if self.chunk == self.total:
            self.twap_leverage_ratio = None

    def ripcord(self, price: Fraction, now: int) -> None:
        if not self.may_ripcord(price, now):
            raise RevertError
        self._trade(price, self.settings.maximum, self.settings.incentivized_max_trade)
        self._stamp(now)
        self.twap_leverage_ratio = None
        self.reward = min(self.settings.ether_reward, self.ether)
        self.ether -= self.reward

    # -- trading

    def _trade(self, price: Fraction, new: Fraction, max_trade: Fraction) -> None:
        """Lever or delever by one chunk, in the price's favour or not: the trade itself is free here."""
        current = self.current_leverage_ratio(price)
        self.total = self._whole_lots(abs(new - current) / current * abs(self.collateral), new, current)
        self.chunk = min(self._max_borrow(price, new < current), self.total, max_trade)
        side = 1 if (new > current) == (self.collateral > 0) else -1
        self.collateral += side * self.chunk
        self.debt += side * self.chunk * price

    def _whole_lots(self, total: Fraction, new: Fraction, current: Fraction) -> Fraction:
        """A trade of whole lots that leaves the fund inside minimum and maximum where it was to end on one of them."""
        lot, s = self.settings.lot, self.settings
        if lot is None:
            return total
        held = abs(self.collateral)
        wished = held + total if new > current else held - total
        if new == s.maximum:
            return abs(floor(wished / lot) * lot - held)
        if new == s.minimum:
            return abs(ceil(wished / lot) * lot - held)
        return abs(round(wished / lot) * lot - held)

    def _max_borrow(self, price: Fraction, is_delever: bool) -> Fraction:
        s = self.settings
        if s.collateral_factor is None:
            return self.total
        limit = self.collateral * price * s.collateral_factor * (1 - s.unutilized)
        return self.collateral * (limit - self.debt) / limit if is_delever else (limit - self.debt) / price

    def _stamp(self, now: int) -> None:
        self.global_last_trade = self.exchange_last_trade = now
