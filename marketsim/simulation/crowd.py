"""The desks of trader groups that act on the clock: each gets its accounts, its streams and its way to the venue."""

from __future__ import annotations

from functools import partial

from marketsim.simulation.ports import ModelPort
from marketsim.traders.desk import DeskContext, FundExposure, TraderDesk
from marketsim.traders.population import group_stream
from marketsim.venues.spot import SpotMarket


def open_trader_desks(model: ModelPort) -> dict[str, TraderDesk]:
    """Open and start a desk for every group that has one, by the group's id."""
    wired, scenario = model.wired, model.scenario
    atoms = {market.id: model.world.market_int(wired.markets[market.id], "atoms") for market in wired.market_specs}
    baskets = {token.id: tuple(token.basket) for token in scenario.tokens}
    places = {market.id: (market.venue, market.currency) for market in wired.market_specs}
    predicted = {desk.spec.id: desk.predicted_rate for desk in model.funding}
    desks = {}
    for spec, accounts in wired.desk_groups:
        context = DeskContext(
            accounts=accounts,
            markets=(spec.market, *spec.further_markets(baskets.get(spec.market, ()))),
            latency=spec.latency,
            draws=partial(group_stream, model.root_seed, model.replication, spec.id),
            env=model.env,
            view=model.view,
            gateway=model.gateway,
            atoms=atoms,
            start_ns=scenario.clock.start,
            add_row=model.journal.add,
            feed=model.announcement_feed,
            baskets=baskets,
            lender=wired.ledger["outside", *places[spec.market]],
            predicted_funding=predicted,
            fund=_fund(model, spec.market),
        )
        desks[spec.id] = spec.desk(context)
        desks[spec.id].start()
    return desks


def _fund(model: ModelPort, market: str) -> FundExposure | None:
    """The fund behind a token's own book; None behind another market."""
    desk = next((desk for desk in model.desks if desk.token.id == market), None)
    if desk is None or not isinstance(desk.market, SpotMarket):
        return None
    number = model.wired.markets[market]
    return FundExposure(
        desk.token.account,
        {leg.market: leg.target for leg in desk.token.legs},
        partial(model.world.market_int, number, "supply_lots"),
        desk.books.committed_leverage,
        model.gateway.requests.get(number),
        desk.market.on_rescale,
    )
