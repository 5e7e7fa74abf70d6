"""What every group of traders declares and every kind of trader says of itself, and the register of kinds."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field

from marketsim.errors import UnitError
from marketsim.kinds import Family
from marketsim.ranges import ABOVE_ZERO, SHARE, ZERO_OR_MORE
from marketsim.season import FLAT, Season
from marketsim.spec import (
    OMITTED_AT_DEFAULT,
    Count,
    Distribution,
    DurationDistribution,
    EventRate,
    Fault,
    Identifier,
    KeyPath,
    LeverageDistribution,
    MoneyDistribution,
    PriceDistribution,
    Rate,
    Spec,
    constant,
    distribution_words,
)
from marketsim.streams import lower_end, upper_end
from marketsim.traders.clock import POISSON, ClockSpec
from marketsim.traders.desk import DeskContext, TraderDesk
from marketsim.traders.rule import GroupRule, GroupTerms
from marketsim.units import format_event_rate, format_rate, to_atoms
from marketsim.venues.contract import FeesSpec

MarketSort = Literal["perpetual", "spot", "token"]
"""A perpetual, a coin's spot market, or a token's own book."""

_PLURALS: Mapping[MarketSort, str] = {"perpetual": "perpetuals", "spot": "spot markets", "token": "tokens"}


@dataclass(frozen=True)
class Surroundings:
    """What a group may name: the markets there are, the tokens, the networks.

    sorts: of each market, tokens' own among them; pools: each market's venue and currency, of which one account has
    one; baskets: the markets in each token's basket; members: the groups in each network. without_book: markets that
    match by a formula; for_desks_alone: of these, those in which orders that the kernel sends find nothing.
    with_latent: markets whose underlying has a latent fundamental. without_clock: tokens that never reset at a time of
    day; without_primary: tokens without a primary market.
    """

    sorts: Mapping[str, MarketSort]
    pools: Mapping[str, tuple[str, str]]
    baskets: Mapping[str, Collection[str]]
    members: Mapping[str, Collection[str]]
    without_book: Collection[str] = ()
    for_desks_alone: Collection[str] = ()
    with_latent: Collection[str] = ()
    without_clock: Collection[str] = ()
    without_primary: Collection[str] = ()

    def of_sort(self, sorts: Collection[MarketSort]) -> list[str]:
        """The markets of some sorts."""
        return [name for name, sort in self.sorts.items() if sort in sorts]


class TraderStartSpec(Spec):
    """Opening positions: unsigned leverage, the share of traders that are long, entry price (absent: opening mark).

    Leverage counts at the entry price: capital x leverage = size x entry. What it is at the opening mark follows from
    that, more for a long that entered above the mark. On a spot market leverage is the share of capital that is held
    as coin at the entry price, and all are long.
    """

    leverage: LeverageDistribution
    long_share: Annotated[Rate, SHARE] = Decimal("0.5")
    entry: PriceDistribution | None = None


HALF_IN_COIN = TraderStartSpec(leverage=constant(Decimal("0.5"), "leverage"), long_share=Decimal(1))
"""How kinds that trade on both sides open on a spot market: with something to sell and something to buy with."""


class TraderGroupSpec(Spec):
    """`count` traders of one kind on one market; `rate` is each one's mean number of wake-ups.

    clock: how these follow one another; season: how many there are by the UTC hour of the day, their mean unchanged.
    fees: absent = the market's, written in when a scenario loads. holds: share of a token's opening supply that the
    group holds, by token.

    A kind says beside its keys: on_spot: what keys left out are on a coin's spot market, where that is another thing.
    market_sorts: where it can trade. references: keys that hold ids, and the section these are of. supplies_liquidity:
    whether it takes the other side of anything, so that what it trades is no answer to a move. hears_fills: whether its
    desk learns of every fill at once. event_words: words of its own in `events.event`.
    """

    on_spot: ClassVar[Mapping[str, Any]] = {}
    market_sorts: ClassVar[tuple[MarketSort, ...]] = ("perpetual", "spot", "token")
    references: ClassVar[Mapping[tuple[str, ...], str]] = {("market",): "markets", ("holds",): "tokens"}
    announced_keys: ClassVar[Mapping[str, str]] = {"markets": "a group for each market"}
    supplies_liquidity: ClassVar[bool] = False
    hears_fills: ClassVar[bool] = False
    event_words: ClassVar[tuple[str, ...]] = ()

    id: Identifier
    kind: str
    market: Identifier
    count: Annotated[Count, ZERO_OR_MORE]
    rate: Annotated[EventRate, ZERO_OR_MORE]
    clock: Annotated[ClockSpec, OMITTED_AT_DEFAULT] = POISSON
    season: Annotated[Season, OMITTED_AT_DEFAULT] = FLAT
    capital: MoneyDistribution
    latency: DurationDistribution = constant(0, "duration")
    fees: FeesSpec | None = None
    holds: dict[str, Rate] = Field(default_factory=dict)
    start: TraderStartSpec | None = None

    # -- what every kind brings

    def rule(self, terms: GroupTerms) -> GroupRule:
        """The group as the kernel takes it."""
        raise NotImplementedError(f"{type(self).__name__} has no rule()")

    def sentence(self) -> str:
        """What each of its traders does, in words."""
        raise NotImplementedError(f"{type(self).__name__} has no sentence()")

    # -- what a kind may bring

    def desk(self, context: DeskContext) -> TraderDesk:
        """The group's desk on the clock, for what the kernel does not do for it; none unless a kind brings one."""
        raise NotImplementedError(f"{type(self).__name__} has no desk")

    def has_clock(self) -> bool:
        """Whether its traders wake by a clock of the group."""
        return True

    def mean_rate(self) -> Fraction:
        """Mean number of wake-ups of each trader a second."""
        return self.rate

    def has_desk(self) -> bool:
        """Whether the group has a desk on the clock."""
        return type(self).desk is not TraderGroupSpec.desk

    def network(self) -> str | None:
        """The network along whose links its traders look at each other's shares; None for one who looks at nobody.

        The rule of a kind that has one gets the rows of neighbours as tables `neighbours_from` and `neighbours`.
        """
        return None

    @classmethod
    def looks_at_others(cls) -> bool:
        """Whether traders of this kind may look at each other along the links of a network."""
        return cls.network is not TraderGroupSpec.network

    def resting_key(self) -> KeyPath | None:
        """The key by which its traders rest orders in a book; None for who only takes."""
        return None

    @property
    def declared_markets(self) -> tuple[str, ...]:
        """The markets it names, its first before all others."""
        return (self.market,)

    def further_markets(self, legs: Sequence[str]) -> tuple[str, ...]:
        """Markets it trades beside its first; legs: of the token whose own book its first is, () elsewhere."""
        return tuple(name for name in self.declared_markets if name != self.market)

    def opening_hedge(self, units: int, supply_lots: int, fund_lots: Mapping[str, int]) -> Mapping[str, int]:
        """Lots by further market that one trader opens with, who holds so many units of so large a supply.

        fund_lots: the fund's own position by leg.
        """
        return {}

    def view_of_market(self) -> Spec | None:
        """What its makers make of orders, on which all groups of a market agree; None for who makes nothing of them."""
        return None

    def longest_lookback_ns(self) -> int:
        """How far back its rule may look at the prices of its market [ns]."""
        return 0

    def completed(self, volatility: Decimal) -> Self:
        """The group with what is absent and its market knows written in; volatility: of the index, per year."""
        return self

    def without(self, tokens: Collection[str]) -> Self | None:
        """The group in a world without some tokens; None when it has nothing to do there."""
        if self.market in tokens:
            return None
        if not set(tokens) & self.holds.keys():
            return self
        return self.model_copy(update={"holds": {k: share for k, share in self.holds.items() if k not in tokens}})

    # -- in words

    def introduction(self, coin: str | None) -> str:
        """Who they are, in words; coin: the underlying of their market, if that is a spot market."""
        where = " and ".join(self.declared_markets)
        text = (
            f"{self.id}: {self.count:,} {self.kind.replace('_', ' ')} traders on {where}, each with a capital of "
            f"{distribution_words(self.capital)}"
        )
        text += f", waking {format_event_rate(self.rate)} on average{self._rhythm()}" if self.rate else ""
        latency = distribution_words(self.latency)
        text += "" if latency == "0s" else f", {latency} away from the venue"
        if self.start is not None and coin is not None:
            text += f". They start with a share of their capital in {coin}: {distribution_words(self.start.leverage)}"
        elif self.start is not None:
            leverage, share = distribution_words(self.start.leverage), format_rate(self.start.long_share)
            text += f". They start with positions at leverage {leverage}, {share} of them long"
        return text + "."

    def _rhythm(self) -> str:
        """How wake-ups come, where that is not one by one and at all hours alike."""
        by_hour = "" if self.season.is_flat else f" by the UTC hour of the day ({self.season.words()})"
        return f"{self.clock.words()}{',' if by_hour and self.clock.words() else ''}{by_hour}"

    # -- what cannot be

    def faults(self, around: Surroundings) -> Iterator[Fault]:
        """What is wrong between its keys, or between them and the markets, tokens and networks there are."""
        yield from self.market_faults(around)
        yield from self._clock_faults()
        yield from self._matching_faults(around)
        yield from self._opening_faults(around)
        yield from self._holding_faults(around)

    def market_faults(self, around: Surroundings) -> Iterator[Fault]:
        """Whether it can trade where it would."""
        who = f"{'an' if self.kind[0] in 'aeiou' else 'a'} {self.kind}"
        for name in self.declared_markets:
            sort = around.sorts.get(name)
            if sort is None or sort in self.market_sorts:
                continue
            possible = ", ".join(around.of_sort(self.market_sorts))
            if self.market_sorts == ("token",):
                message = f"{who} trades a token in the token's own market"
                yield Fault(("market",), message, possible or "a token with `market`")
            else:
                plurals = " and ".join(_PLURALS[each] for each in self.market_sorts)
                message = f"{who} trades {plurals}, {name} is a {_SINGULARS[sort]}"
                yield Fault(("markets",) if len(self.declared_markets) > 1 else ("market",), message, possible)

    def _clock_faults(self) -> Iterator[Fault]:
        """A clock that contradicts itself, or of a group that does not wake by one."""
        yield from (fault.below("clock") for fault in self.clock.faults())
        yield from (fault.below("season") for fault in self.season.faults())
        if self.has_clock() and self.mean_rate():
            return
        why = "its rate is 0" if self.has_clock() else f"{self.kind} traders act when there is something to do"
        for key, value in (("clock", self.clock), ("season", self.season)):
            if value not in (POISSON, FLAT):
                yield Fault((key,), f"this group wakes by no clock: {why}", "left out", is_key=True)

    def _matching_faults(self, around: Surroundings) -> Iterator[Fault]:
        """Nobody rests orders where there is no book."""
        resting, is_woken = self.resting_key(), not self.has_desk()
        for name in self.declared_markets:
            if name in around.without_book and resting is not None:
                yield Fault(resting, f"{name} matches by a formula and takes no limit orders", "none, or a book")
            elif name in around.for_desks_alone and is_woken:
                yield Fault(("market",), f"{name} matches by a formula that fills no {self.kind} traders", "a book")

    def _opening_faults(self, around: Surroundings) -> Iterator[Fault]:
        """Capital is whole atoms; nobody borrows on a spot market, and nobody has leverage in a token's own."""
        if self.capital.kind == "constant":
            yield from atom_faults(("capital",), Decimal(self.capital.parameters["value"]))
        sort = around.sorts.get(self.market)
        if self.start is None or sort in (None, "perpetual"):
            return
        if sort == "token":
            message = "a token's own market has no leverage"
            yield Fault(("start",), message, "holds, with a share of the token's supply")
            return
        yield from borrowing_faults(("start", "leverage"), self.start.leverage, "share of capital held as coin")
        if self.start.long_share != 1:
            yield Fault(("start", "long_share"), "nobody is short in a spot market", "100%, or left out")

    def _holding_faults(self, around: Surroundings) -> Iterator[Fault]:
        """A group holds units of the token in whose own market it trades."""
        for name, share in self.holds.items():
            if name in around.sorts and name != self.market:
                message = "a group holds units of the token whose market it trades in"
                yield Fault(("holds", name), message, self.market)
            if around.sorts.get(name) != "token":
                message = "only a token with its own market is held by groups"
                allowed = "shares of at most 100% together, of a token with `market`"
                yield Fault(("holds", name), message, allowed)
            if share < 0:
                yield Fault(("holds", name), "this number is out of range", SHARE.words)


_SINGULARS: Mapping[MarketSort, str] = {"perpetual": "perpetual", "spot": "spot market", "token": "token"}


def borrowing_faults(path: KeyPath, law: Distribution, what: str) -> Iterator[Fault]:
    """Whether a leverage on a spot market could be below 0 or above 1; what: the number's name."""
    most = upper_end(law)
    if most is None or most > 1 or lower_end(law) < 0:
        yield Fault(path, "nobody borrows in a spot market", f"a {what} of 0 to 1, or a law with such ends")


def positive_faults(path: KeyPath, law: Distribution) -> Iterator[Fault]:
    """Whether an amount that has to be something could be nothing for all."""
    if law.kind == "constant" and law.parameters["value"] <= 0:
        yield Fault(path, "this number is out of range", ABOVE_ZERO.words)


def mean_faults(path: KeyPath, law: Distribution) -> Iterator[Fault]:
    """Whether the kernel could draw from a law by a table of its quantiles, which keeps the law's mean."""
    yield from positive_faults(path, law)
    if law.kind == "pareto" and "max" not in law.parameters and law.parameters["alpha"] <= 1:
        yield Fault(path, "the mean of this law is infinite", "alpha above 1, or a `max`")


def unseen_faults(path: KeyPath, market: str, around: Surroundings) -> Iterator[Fault]:
    """Whether a group would look at a latent fundamental that its market has not."""
    if market in around.sorts and market not in around.with_latent:
        message = f"the underlying of {market} has no latent fundamental"
        yield Fault(path, message, "an underlying with `latent`, or left out")


def atom_faults(path: KeyPath, amount: Decimal) -> Iterator[Fault]:
    """Whether an amount is finer than atoms."""
    try:
        to_atoms(amount)
    except UnitError as error:
        yield Fault(path, error.message, error.allowed)


def event_words() -> tuple[str, ...]:
    """The words that the kinds there are add to column `events.event`, each once."""
    return tuple(dict.fromkeys(word for kind in TRADERS.kinds.values() for word in kind.event_words))


TRADERS: Family[TraderGroupSpec] = Family(
    "trader",
    TraderGroupSpec,
    key="kind",
    home="marketsim.traders.kinds",
    needs=("rule", "sentence"),
)
