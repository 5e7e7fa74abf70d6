"""The desks of trader groups that act on the clock: who follows which tokens, and draws from which stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from marketsim.simulation.ports import ModelPort
from marketsim.streams import Stream
from marketsim.traders.anticipator import AnticipatorDesk, AnticipatorSpec
from marketsim.traders.desk import DeskGroupSpec, Floor, TraderDesk
from marketsim.traders.follower import FollowerSpec
from marketsim.traders.knowledge import Knowledge
from marketsim.traders.liquidity_provider import LiquidityProviderDesk, LiquidityProviderSpec
from marketsim.traders.metaorder import MetaorderDesk, MetaorderSpec
from marketsim.traders.population import group_stream


def open_trader_desks(model: ModelPort) -> dict[str, TraderDesk]:
    """Open and start a desk for every group that has one, by the group's id."""
    wired = model.wired
    atoms = {market.id: model.world.market_int(wired.markets[market.id], "atoms") for market in wired.market_specs}
    floor = Floor(model.env, model.view, model.gateway, atoms)
    desks = {}
    for spec, accounts in wired.desk_groups:
        draws = partial(group_stream, model.root_seed, model.replication, spec.id)
        desks[spec.id] = _desk(model, spec, accounts, floor, draws)
        desks[spec.id].start()
    return desks


def _desk(
    model: ModelPort,
    spec: DeskGroupSpec,
    accounts: Sequence[int],
    floor: Floor,
    draws: Callable[[str], Stream],
) -> TraderDesk:
    if isinstance(spec, MetaorderSpec):
        return MetaorderDesk(spec, accounts, floor, draws, model.scenario.clock.start, model.journal.add)
    assert isinstance(spec, FollowerSpec)
    knowledge = Knowledge(spec.knows, model.announcement_feed, draws)
    followed = _followed(model, spec)
    if isinstance(spec, AnticipatorSpec):
        return AnticipatorDesk(spec, accounts, floor, draws, knowledge, followed)
    assert isinstance(spec, LiquidityProviderSpec)
    return LiquidityProviderDesk(spec, accounts, floor, draws, knowledge, followed)


def _followed(model: ModelPort, spec: FollowerSpec) -> list[str]:
    """The tokens a group follows: those it names, else all with a leg in one of its markets."""
    with_leg = [token.id for token in model.scenario.tokens if set(token.basket) & set(spec.markets)]
    return [name for name in with_leg if not spec.tokens or name in spec.tokens]
