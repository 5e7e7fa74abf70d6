"""Indices that are made of markets of the same world: what they may be made of, and what may not happen to them."""

from __future__ import annotations

from collections.abc import Mapping

from marketsim.scenario.world import ScenarioDraft
from marketsim.venues.contract import MarketSpec
from marketsim.venues.index.family import IndexSpec, SourceMarket


def check_index_markets(draft: ScenarioDraft) -> None:
    """Check the markets of every index that is made of some, and that no listed jump is asked of one."""
    indices = {name: spec.index for name, spec in draft.by_id("underlyings").items()}
    moved = {name: spec.fundamental for name, spec in draft.by_id("underlyings").items()}
    markets: dict[str, MarketSpec] = draft.by_id("markets")
    sources = {
        name: SourceMarket(
            market.kind, market.underlying, market.currency, market.matching.has_book,
            rests_on(market.underlying, indices, markets),
        )
        for name, market in markets.items()
    }  # fmt: skip
    for path, underlying in draft.items("underlyings"):
        draft.faults((*path, "index"), underlying.index.market_faults(underlying.id, sources))
        if underlying.latent is not None and underlying.latent.weights:
            message = "a latent fundamental is seen by few, and markets by all"
            draft.at((*path, "latent", "kind"), message, "a kind with levels of its own")
    for path, event in draft.items("events"):
        jump = event.index_jump()
        if jump is not None and jump[0] in moved and moved[jump[0]].weights:
            message = f"the index of {jump[0]} is the mid of markets, which no jump moves but orders"
            allowed = "an underlying with a latent fundamental, or an index from outside"
            draft.at((*path, "underlying"), message, allowed)


def rests_on(underlying: str, indices: Mapping[str, IndexSpec], markets: Mapping[str, MarketSpec]) -> set[str]:
    """The other underlyings whose markets the index of this one is made from, near and far; itself only in a circle."""
    found: set[str] = set()
    waiting = [(underlying, name) for name in _weights(underlying, indices)]
    while waiting:
        of, name = waiting.pop()
        beneath = markets[name].underlying if name in markets else of
        if beneath != of and beneath not in found:
            found.add(beneath)
            waiting += [(beneath, each) for each in _weights(beneath, indices)]
    return found


def _weights(underlying: str, indices: Mapping[str, IndexSpec]) -> list[str]:
    return list(indices[underlying].weights) if underlying in indices else []
