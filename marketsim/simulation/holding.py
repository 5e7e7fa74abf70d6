"""What holding a token costs and earns: the fund's fee and funding by unit, and the rows of table `holders`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from marketsim.clock import MarketEnvironment, Phase
from marketsim.issuers.issuer import TokenDesk
from marketsim.simulation.wiring import Wired
from marketsim.venues.gateway import Gateway
from marketsim.venues.perp import FundingDesk


class UnitCosts:
    """What one unit of each token with a market has borne of the fee and got of the funding [atoms per lot]."""

    def __init__(self, wired: Wired, env: MarketEnvironment, gateway: Gateway, funding: list[FundingDesk]) -> None:
        self.world = env.world
        self.market_of = {
            token.account: wired.markets[spec.id] for spec, token in wired.tokens if spec.market is not None
        }
        self.seen = dict.fromkeys(self.market_of, 0)
        gateway.paid.append(self._fee)
        for desk in funding:
            desk.hooks.append(self._funding)

    def _fee(self, account: int, entry: str, atoms: int) -> None:
        market = self.market_of.get(account)
        if market is not None and entry == "management_fee":
            self._add(market, "management_per_lot", atoms)

    def _funding(self) -> None:
        for account, market in self.market_of.items():
            received = int(self.world.accounts[account]["funding_atoms"])
            self._add(market, "funding_per_lot", received - self.seen[account])
            self.seen[account] = received

    def _add(self, market: int, name: str, atoms: int) -> None:
        supply = self.world.market_int(market, "supply_lots")
        if supply:
            self.world.set_market(market, **{name: self.world.market_float(market, name) + atoms / supply})


@dataclass(slots=True)
class PrimaryFees:
    """Fees of settled creations and redemptions [atoms], by (public account, token, side), out of table `primary`."""

    paid_atoms: Counter[tuple[int, str, str]] = field(default_factory=Counter)

    def note(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add up rows as they are written."""
        for row in rows:
            if row["status"] == "settled":
                self.paid_atoms[row["account"], row["token"], row["side"]] += row["fee_atoms"]


class FundClaims:
    """Tells the kernel before every mark step what of a fund is its clients', so that the index leaves it out."""

    def __init__(self, wired: Wired, env: MarketEnvironment, desks: list[TokenDesk]) -> None:
        self.env, self.numbers = env, wired.markets
        every = {market.id: market.mark.every for market in wired.market_specs}
        for desk in desks:
            if desk.counter is not None and desk.token.id in wired.markets:
                env.process(self._tell(desk, wired.markets[desk.token.id], every[desk.token.id]))

    def _tell(self, desk: TokenDesk, market: int, every_ns: int) -> Generator[Any, Any, None]:
        told = (0, 0)
        due = every_ns
        while True:
            yield self.env.at(due, Phase.INDEX)
            due += every_ns
            claims = self._claims(desk)
            if claims != told:
                told = claims
                leg = self.numbers[desk.token.legs[0].market]
                self.env.world.set_market(market, claim_atoms=claims[0], claim_lots=claims[1], claim_market=leg)

    def _claims(self, desk: TokenDesk) -> tuple[int, int]:
        """Claims as atoms and, for one leg, lots that move with its mark; a basket's at the present marks."""
        worth = desk.books.claims_atoms()
        if not worth or len(desk.token.legs) > 1:
            return worth, 0
        (leg,) = desk.token.legs
        lots = sum(claim.exposure_lots(leg.market) for claim in desk.books.claims)
        return worth - lots * desk.view.mark_ticks(leg.market) * leg.atoms_per_tick_lot, lots


def holder_rows(wired: Wired, desks: list[TokenDesk], primary: PrimaryFees) -> list[dict[str, Any]]:
    """Table `holders`: every account that held or traded units of a token with a market, by account and token.

    `outside_holders` is one of them, so that units and shares of fee and funding add up to the fund's.
    """
    world, rows = wired.world, []
    names, cohorts = wired.cohorts.names, world.accounts["cohort"]
    for desk in desks:
        market = wired.markets.get(desk.token.id)
        if market is None:
            continue
        held = world.positions[: world.get("n_positions")]
        records = np.flatnonzero((held["market"] == market) & (held["bucket"] >= 0))
        value = _value_of(desk)
        for record in records:
            world.accrue_stake(int(record))
            position, stake = world.positions[record], world.stakes[int(world.positions[record]["bucket"])]
            lots, opening = int(position["lots"]), int(stake["opening_lots"])
            if not (lots or opening or stake["bought_atoms"] or stake["sold_atoms"]):
                continue
            account = int(position["account"])
            public = int(wired.account_ids[account])
            rows.append(
                {
                    "account": public,
                    "cohort": names[int(cohorts[account])],
                    "token": desk.token.id,
                    "units_start": opening / desk.token.lots_per_token,
                    "units_end": lots / desk.token.lots_per_token,
                    "bought_atoms": int(stake["bought_atoms"]),
                    "sold_atoms": int(stake["sold_atoms"]),
                    "create_fee_atoms": primary.paid_atoms[public, desk.token.id, "creation"],
                    "redeem_fee_atoms": primary.paid_atoms[public, desk.token.id, "redemption"],
                    "trading_fee_atoms": int(stake["fees_atoms"]),
                    "management_atoms": round(float(stake["management_atoms"])),
                    "funding_atoms": round(float(stake["funding_atoms"])),
                    "end_value_atoms": value(lots),
                }
            )
    return rows


def _value_of(desk: TokenDesk) -> Callable[[int], int]:
    """Worth of lots at the fund's NAV [atoms], rounded down."""
    equity, supply = max(desk.books.equity_atoms(), 0), desk.token.supply_lots
    return lambda lots: equity * lots // supply if supply else 0
