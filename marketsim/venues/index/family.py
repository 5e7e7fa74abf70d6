"""The kinds of index: what each has to say and to do."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, ClassVar

from marketsim.kinds import Family
from marketsim.ranges import ABOVE_ZERO, CADENCE, SHARE
from marketsim.spec import Duration, Fault, Rate, Spec
from marketsim.units import NS_PER_SECOND
from marketsim.venues.index.index_path import IndexPath, PreparedIndex


@dataclass(frozen=True)
class SourceMarket:
    """What an index must know of a market that it may be made of.

    rests_on: the underlyings whose indices that of the market's underlying is made from, near and far, if it is made of
    markets; a spot market of an underlying in that underlying's own index counts for nothing here.
    """

    kind: str
    underlying: str
    currency: str
    has_book: bool
    rests_on: Collection[str] = ()


class IndexSpec(Spec):
    """What every kind of index has: its cadence, and how much of the perp's deviation it learns, how fast."""

    every: Annotated[Duration, CADENCE] = NS_PER_SECOND
    pass_through: Annotated[Rate, SHARE] = Decimal(0)
    pass_through_halflife: Annotated[Duration, ABOVE_ZERO] = 600 * NS_PER_SECOND

    is_random: ClassVar[bool] = False
    """Whether innovations move it, which those of another underlying may be correlated with."""

    shows_latent: ClassVar[bool] = False
    """Whether its levels are what it shows of the underlying's latent fundamental (`shown`), and none of its own."""

    @property
    def price_currency(self) -> str:
        """The currency its levels are counted in; `QUOTE` while that is unknown."""
        raise NotImplementedError

    @property
    def stated_volatility(self) -> Decimal | None:
        """The yearly volatility that rules of traders may go by; None where the index states none."""
        return None

    @property
    def weights(self) -> Mapping[str, Decimal]:
        """The markets whose mid it is, by weight; none for an index from outside."""
        return {}

    @property
    def outlier_border(self) -> float:
        """How far from the median of its markets a price is an outlier; 0.0 where none is."""
        return 0.0

    @property
    def clamps(self) -> bool:
        """Whether an outlier counts at the border; otherwise it is left out."""
        return False

    def market_faults(self, own: str, markets: Mapping[str, SourceMarket]) -> Iterator[Fault]:
        """What is wrong with the markets it is made of; own: the underlying whose index it is."""
        return iter(())

    def faults(self, duration_ns: int) -> Iterator[Fault]:
        """What is wrong between its fields in a run of this length; their ranges hold."""
        return iter(())

    def prepare(self, *, start_ns: int, duration_ns: int, root: Path) -> PreparedIndex:
        """Read whatever the index needs from outside the world.

        start_ns: the run's start [ns since 1970]; root: the folder that paths of files begin at. Raises UnitError for
        what is wrong out there; its own faults have been looked for. Not asked of one that `shows_latent`.
        """
        raise NotImplementedError

    def shown(self, latent: IndexPath) -> IndexPath:
        """What it shows of a latent fundamental, where `shows_latent`."""
        raise NotImplementedError

    def season_words(self) -> str:
        """How it goes by the hour of the day, after the sentence; "" where all hours are alike."""
        return ""

    def sentence(self) -> str:
        """What it does, as the rest of "The index of BTC ..."."""
        raise NotImplementedError


INDICES = Family(
    "index",
    IndexSpec,
    key="kind",
    home="marketsim.venues.index",
    needs=("price_currency", "prepare", "sentence"),
)
"""The kinds of index."""


def random_kinds() -> list[str]:
    """The words of the kinds that random increments move."""
    return [word for word, kind in INDICES.kinds.items() if kind.is_random]
