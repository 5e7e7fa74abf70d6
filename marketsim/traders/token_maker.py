"""The authorised participant's desk: keeps a token maker's inventory and, with the perps, its exposure.

Its quotes are the kernel's (`market_maker`); what takes thought and little time stands here, on the clock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from marketsim.clock import MarketEnvironment, ProcessGenerator
from marketsim.messages import Purpose
from marketsim.traders.market_maker import TokenMakerSpec
from marketsim.venues.gateway import Gateway
from marketsim.venues.view import View

Request = Callable[[int, int], None]
"""Ask the fund for units: `request(account, lots)`, + creates, - redeems."""


@dataclass(frozen=True)
class FundExposure:
    """What one lot of a token stands for: the fund's account, its legs, and the supply now [lots]."""

    account: int
    legs: Sequence[str]
    supply_lots: Callable[[], int]


class TokenMakerDesk:
    """Looks after the accounts of one group of token makers, every `spec.every`.

    wanted: the inventory each account started with and comes back to [lots]. request: the token's primary market,
    None without one. Rule: inventory beyond `tolerance` is brought back by creation or redemption; a hedge that is
    off by more than `tolerance` of what it should be is traded at market (RULES A.8: premium kept in by creation,
    redemption and the perp hedge).
    """

    def __init__(
        self,
        spec: TokenMakerSpec,
        accounts: Sequence[int],
        wanted: Sequence[int],
        fund: FundExposure,
        env: MarketEnvironment,
        view: View,
        gateway: Gateway,
        request: Request | None,
    ) -> None:
        self.spec, self.fund = spec, fund
        self.accounts, self.wanted = list(accounts), list(wanted)
        self.env, self.view, self.gateway = env, view, gateway
        self.request = request if spec.uses_primary else None

    def start(self) -> None:
        """Begin to look."""
        self.env.process(self._look_after())

    def rescale(self, ratio: int) -> None:
        """Count wanted inventories in new units worth `ratio` old ones."""
        self.wanted = [lots // ratio for lots in self.wanted]

    def _look_after(self) -> ProcessGenerator:
        while True:
            yield self.env.timeout(self.spec.every)
            for account, wanted in zip(self.accounts, self.wanted, strict=True):
                units = self.view.position_lots(account, self.spec.market)
                self._keep_inventory(account, units, wanted)
                if self.spec.hedge:
                    self._keep_hedge(account, units)

    def _keep_inventory(self, account: int, units: int, wanted: int) -> None:
        missing = wanted - units
        if self.request is not None and abs(missing) > self.spec.tolerance * wanted:
            self.request(account, missing)

    def _keep_hedge(self, account: int, units: int) -> None:
        for market, lots in self.hedge_of(units).items():
            off = lots - self.view.position_lots(account, market)
            if off and abs(off) > self.spec.tolerance * max(abs(lots), 1):
                self.gateway.send(account, market, off, order_type="market", purpose=Purpose.HEDGE)

    def hedge_of(self, units: int) -> dict[str, int]:
        """Perp positions that are the opposite of so many lots of the token, by market [lots, nearest]."""
        supply = self.fund.supply_lots()
        if supply == 0:
            return dict.fromkeys(self.fund.legs, 0)
        return {
            market: -round(Fraction(self.view.position_lots(self.fund.account, market) * units, supply))
            for market in self.fund.legs
        }
