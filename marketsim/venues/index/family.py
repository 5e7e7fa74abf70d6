"""The kinds of index: what each has to say and to do."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated, ClassVar

from marketsim.kinds import Family
from marketsim.ranges import ABOVE_ZERO, CADENCE, SHARE
from marketsim.spec import Duration, Fault, Rate, Spec
from marketsim.units import NS_PER_SECOND
from marketsim.venues.index.index_path import IndexPath, PreparedIndex


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
    announced={"book": "constant with pass_through"},
)
"""The kinds of index."""


def random_kinds() -> list[str]:
    """The words of the kinds that random increments move."""
    return [word for word, kind in INDICES.kinds.items() if kind.is_random]
