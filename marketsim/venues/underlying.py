"""Underlyings: the coins whose prices come from outside, each with an index, and perhaps a latent fundamental."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from marketsim.spec import OMITTED_AT_DEFAULT, QUOTE, Factor, Fault, Identifier, Spec
from marketsim.units import format_duration
from marketsim.venues.index.family import INDICES, IndexSpec

_NO_LATENT = "constant (with pass_through), latent, path or file"


class UnderlyingSpec(Spec):
    """A coin and its index price; `correlation` maps other underlyings' ids to the correlation of increments.

    latent: the fundamental value behind the index, of any kind that an index may have, seen by nobody but groups that
    ask for it (informed traders). Innovations and listed jumps move it; an index of kind `latent` shows it late.
    """

    id: Identifier
    index: Annotated[IndexSpec, INDICES]
    latent: Annotated[Annotated[IndexSpec, INDICES] | None, OMITTED_AT_DEFAULT] = None
    correlation: dict[str, Factor] = Field(default_factory=dict)

    @property
    def fundamental(self) -> IndexSpec:
        """What innovations and listed jumps move: the latent fundamental where there is one, else the index."""
        return self.index if self.latent is None else self.latent

    @property
    def price_currency(self) -> str:
        """The currency its levels are counted in; `QUOTE` while that is unknown."""
        own = self.index.price_currency
        return own if own != QUOTE else self.fundamental.price_currency

    @property
    def stated_volatility(self) -> Decimal | None:
        """The yearly volatility that rules of traders may go by: the index's, or that of what is behind it."""
        own = self.index.stated_volatility
        return own if own is not None else self.fundamental.stated_volatility

    def faults(self) -> Iterator[Fault]:
        """What is wrong between its index and its latent fundamental."""
        if self.latent is None:
            if self.index.shows_latent:
                message = "this index shows a latent fundamental, and there is none"
                yield Fault(("index", "kind"), message, "`latent` beside `index`, or another kind")
            return
        if self.latent.shows_latent:
            yield Fault(("latent", "kind"), "a latent fundamental cannot show itself", "a kind with levels of its own")
        if self.latent.pass_through:
            message = "a latent fundamental learns nothing from a market; its index may"
            yield Fault(("latent", "pass_through"), message, "0%, or `index.pass_through`")
        if self.index.is_random and self.latent.is_random:
            message = "the index would wander away from the latent fundamental, with increments of its own"
            yield Fault(("index", "kind"), message, _NO_LATENT)
        own, other = self.index.price_currency, self.latent.price_currency
        if QUOTE not in (own, other) and own != other:
            yield Fault(("latent",), f"it is in {other}, the index in {own}", f"prices in {own}")

    def latent_sentence(self) -> str:
        """What is behind the index, in words; "" where there is nothing."""
        if self.latent is None:
            return ""
        moves = (
            f"{self.latent.sentence()}{self.latent.season_words()}, in steps of {format_duration(self.latent.every)}"
        )
        return f" Behind it is a latent fundamental, which only informed traders see and listed jumps move: it {moves}."
