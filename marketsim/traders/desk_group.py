"""Groups that the kernel never wakes: all they do, their desk on the clock does."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Annotated, Any, ClassVar

from pydantic import model_validator

from marketsim.ranges import ZERO_OR_MORE
from marketsim.spec import EventRate, Fault, Identifier
from marketsim.traders.desk import DeskContext, TraderDesk
from marketsim.traders.group import MarketSort, Surroundings, TraderGroupSpec
from marketsim.traders.rule import GroupRule, GroupTerms


class DeskGroupSpec(TraderGroupSpec):
    """A group that acts on one `market` or on several `markets` of one venue and currency, at the fees of the first."""

    market_sorts: ClassVar[tuple[MarketSort, ...]] = ("perpetual", "spot")
    references: ClassVar[Mapping[tuple[str, ...], str]] = {**TraderGroupSpec.references, ("markets",): "markets"}
    announced_keys: ClassVar[Mapping[str, str]] = {}
    hears_fills: ClassVar[bool] = True

    rate: Annotated[EventRate, ZERO_OR_MORE] = Fraction(0)
    markets: tuple[Identifier, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _name_both(cls, given: Any) -> Any:
        """One market is a list of one, and the first of a list is the group's market."""
        if not isinstance(given, dict):
            return given
        markets, market = given.get("markets"), given.get("market")
        if market is None and isinstance(markets, (list, tuple)) and markets and isinstance(markets[0], str):
            return {**given, "market": markets[0]}
        if not markets and isinstance(market, str):
            return {**{key: value for key, value in given.items() if key != "markets"}, "markets": [market]}
        return given

    @abstractmethod
    def desk(self, context: DeskContext) -> TraderDesk:
        """The group's desk on the clock."""

    def has_clock(self) -> bool:
        """The kernel never wakes its traders."""
        return False

    def rule(self, terms: GroupTerms) -> GroupRule:
        """The group as the kernel takes it: accounts and positions, which it never wakes."""
        return GroupRule(None)

    @property
    def declared_markets(self) -> tuple[str, ...]:
        """The markets it names, its first before all others."""
        return self.markets

    def market_faults(self, around: Surroundings) -> Iterator[Fault]:
        """Whether one account can trade in all of its markets."""
        yield from super().market_faults(around)
        if self.market != self.markets[0]:
            message = "the first of its markets is another one"
            yield Fault(("market",), message, f"left out, or {self.markets[0]}")
        if len(set(self.markets)) < len(self.markets):
            yield Fault(("markets",), "a market stands here twice", "each once")
        if len({around.pools[name] for name in self.markets if name in around.pools}) > 1:
            message = "these are settled in several currencies or venues"
            yield Fault(("markets",), message, "one account needs one")
