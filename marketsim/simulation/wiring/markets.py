"""Every market of a world by its number: those of the underlyings, then the tokens' own books."""

from __future__ import annotations

from marketsim.issuers.token_spec import market_of, opening_supply_lots
from marketsim.scenario.schema import Scenario
from marketsim.traders.population import MarketTerms
from marketsim.units import atoms_per_tick_lot, nearest_ticks
from marketsim.venues.contract import MarketSpec
from marketsim.venues.index.index_path import IndexPath


class Markets:
    """What is traded, and at which price it opens.

    specs, atoms (per tick and lot) and opening_ticks are by number; numbers: by id; tokens: the Spec of each token.
    """

    def __init__(self, scenario: Scenario, paths: list[IndexPath]) -> None:
        by_id = {market.id: market for market in scenario.markets}
        own = (market_of(token, by_id[next(iter(token.basket))]) for token in scenario.tokens)
        self._scenario = scenario
        self._paths = paths
        self.tokens = {token.id: token for token in scenario.tokens}
        self.specs: list[MarketSpec] = [*scenario.markets, *(book for book in own if book is not None)]
        self.numbers = {market.id: i for i, market in enumerate(self.specs)}
        self.atoms = [atoms_per_tick_lot(m.tick.amount, m.lot.amount) for m in self.specs]
        self.opening_ticks = [self._opening_ticks(market) for market in self.specs]

    def spec(self, market: str) -> MarketSpec:
        """A market by its id."""
        return self.specs[self.numbers[market]]

    def is_of_token(self, market: MarketSpec) -> bool:
        """Whether a market is a token's own book; every other one is of an underlying."""
        return market.id in self.tokens

    def legs(self, market: MarketSpec) -> tuple[str, ...]:
        """The markets in the basket of a token's own book; none of another market."""
        return tuple(self.tokens[market.id].basket) if self.is_of_token(market) else ()

    def terms(self) -> dict[str, MarketTerms]:
        """What groups must know of each market, by its id."""
        return {
            market.id: MarketTerms(
                i,
                self.atoms[i],
                float(market.tick.amount),
                market.mark.every,
                self.opening_ticks[i],
                self._volatility(market),
                opening_supply_lots(self.tokens[market.id]) if self.is_of_token(market) else 0,
                self.legs(market),
                market.kind == "spot" and not self.is_of_token(market),
            )
            for i, market in enumerate(self.specs)
        }

    def _opening_ticks(self, market: MarketSpec) -> int:
        if self.is_of_token(market):
            return max(1, nearest_ticks(self.tokens[market.id].nav.amount, market.tick.amount))
        number = [underlying.id for underlying in self._scenario.underlyings].index(market.underlying)
        return max(1, int(self._paths[number].level_ticks(0, 1, market.tick.amount)[0]))

    def _volatility(self, market: MarketSpec) -> float | None:
        if self.is_of_token(market):
            return None
        underlying = next(u for u in self._scenario.underlyings if u.id == market.underlying)
        volatility = underlying.stated_volatility
        return None if volatility is None else float(volatility)
