"""What holding a token costs and earns: the fund's fee and funding by unit, and the rows of table `holders`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import floor
from typing import Any

import numpy as np

from marketsim.clock import MarketEnvironment, Phase, ProcessGenerator
from marketsim.issuers.desk import TokenDesk
from marketsim.issuers.fund.holdings import HoldingsRegister
from marketsim.issuers.token_spec import lots_per_token
from marketsim.simulation.wiring.wired import Wired
from marketsim.venues.gateway import Gateway
from marketsim.venues.perp import FundingDesk


class UnitCosts:
    """Management fee and funding per unit of each token, passed on to whatever keeps its holdings.

    Of a token with a market that is the kernel [atoms per lot], of any other its register. What the issuer absorbs of
    funding is nobody's.
    """

    def __init__(self, wired: Wired, env: MarketEnvironment, gateway: Gateway, desks: list[TokenDesk]) -> None:
        self.world = env.world
        self.market_of = {
            token.account: wired.markets[spec.id] for spec, token in wired.tokens if spec.market is not None
        }
        self.register_of = {
            desk.token.account: desk.holdings for desk in desks if isinstance(desk.holdings, HoldingsRegister)
        }
        self.seen = {token.account: 0 for spec, token in wired.tokens if spec.funding == "pass"}
        gateway.paid.append(self._fee)

    def listen(self, funding: list[FundingDesk]) -> None:
        """Hear of every settlement."""
        for desk in funding:
            desk.hooks.append(self._funding)

    def _fee(self, account: int, entry: str, atoms: int) -> None:
        if entry == "management_fee":
            self._add(account, "management", atoms)

    def _funding(self) -> None:
        for account, seen in self.seen.items():
            received = int(self.world.accounts[account]["funding_atoms"])
            self._add(account, "funding", received - seen)
            self.seen[account] = received

    def _add(self, account: int, charge: str, atoms: int) -> None:
        if account in self.register_of:
            self.register_of[account].bear(charge, atoms)
        elif account in self.market_of:
            market, name = self.market_of[account], f"{charge}_per_lot"
            supply = self.world.market_int(market, "supply_lots")
            if supply:
                self.world.set_market(market, **{name: self.world.market_float(market, name) + atoms / supply})


@dataclass(slots=True)
class PrimaryDeals:
    """Settled creations and redemptions out of table `primary`: fees, and cash without a creation's fee [atoms].

    By (public account, token, side).
    """

    fee_atoms: Counter[tuple[int, str, str]] = field(default_factory=Counter)
    cash_atoms: Counter[tuple[int, str, str]] = field(default_factory=Counter)

    def note(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add up rows as they are written."""
        for row in rows:
            if row["status"] == "settled":
                deal = row["account"], row["token"], row["side"]
                self.fee_atoms[deal] += row["fee_atoms"]
                self.cash_atoms[deal] += row["cash_atoms"] - (row["fee_atoms"] if row["side"] == "creation" else 0)


class FundClaims:
    """Tells the kernel before every mark step what of a fund is its clients', so that the index leaves it out."""

    def __init__(self, wired: Wired, env: MarketEnvironment, desks: list[TokenDesk]) -> None:
        self.env, self.numbers = env, wired.markets
        every = {market.id: market.mark.every for market in wired.market_specs}
        for desk in desks:
            if desk.primary is not None and desk.token.id in wired.markets:
                env.process(self._tell(desk, wired.markets[desk.token.id], every[desk.token.id]))

    def _tell(self, desk: TokenDesk, market: int, every_ns: int) -> ProcessGenerator:
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
        return worth - lots * desk.books.view.mark_ticks(leg.market) * leg.atoms_per_tick_lot, lots


@dataclass(frozen=True, slots=True)
class _Held:
    """One holder of one token: lots, lots in one token at the start, cash of trades and shares of charges [atoms]."""

    account: int
    opening_lots: int
    opening_per_token: int
    lots: int
    bought_atoms: int
    sold_atoms: int
    trading_fee_atoms: int
    management_atoms: float
    funding_atoms: float


def holder_rows(wired: Wired, desks: list[TokenDesk], deals: PrimaryDeals) -> list[dict[str, Any]]:
    """Table `holders`: every account that held, traded, created or redeemed units, by token and account.

    `outside_holders` is one of them, so that units and shares of fee and funding add up to the fund's. Of a token
    without a market, what was bought and sold went through its fund.
    """
    rows = []
    for (spec, token), desk in zip(wired.tokens, desks, strict=True):
        holdings = desk.holdings
        if isinstance(holdings, HoldingsRegister):
            held = _registered(wired, holdings, token.id, lots_per_token(spec), deals)
        else:
            held = _booked(wired, wired.markets[token.id], token.lots_per_token)
        rows += [_holder_row(wired, desk, one, deals) for one in held]
    return rows


def _booked(wired: Wired, market: int, per_token: int) -> Iterator[_Held]:
    """Holders of a token with a market, by the kernel's records."""
    world = wired.world
    positions = world.spot_positions[: world.get("n_positions")]
    for record in np.flatnonzero((positions["market"] == market) & (positions["stake"] >= 0)):
        world.accrue_stake(int(record))
        position, stake = positions[record], world.stakes[int(positions[record]["stake"])]
        lots, opening = int(position["lots"]), int(stake["opening_lots"])
        bought, sold = int(stake["bought_atoms"]), int(stake["sold_atoms"])
        if lots or opening or bought or sold:
            shares = float(stake["management_atoms"]), float(stake["funding_atoms"])
            fees = int(stake["fees_atoms"])
            yield _Held(int(position["account"]), opening, per_token, lots, bought, sold, fees, *shares)


def _registered(
    wired: Wired, register: HoldingsRegister, token: str, per_token: int, deals: PrimaryDeals
) -> Iterator[_Held]:
    """Holders of a token without a market, by its register."""
    for account, stake in register.stakes().items():
        public = int(wired.account_ids[account])
        bought, sold = (deals.cash_atoms[public, token, side] for side in ("creation", "redemption"))
        if stake.lots or stake.opening_lots or bought or sold:
            shares = stake.borne_atoms["management"], stake.borne_atoms["funding"]
            yield _Held(account, stake.opening_lots, per_token, stake.lots, bought, sold, 0, *shares)


def _holder_row(wired: Wired, desk: TokenDesk, held: _Held, deals: PrimaryDeals) -> dict[str, Any]:
    token, public = desk.token, int(wired.account_ids[held.account])
    return {
        "account": public,
        "cohort": wired.cohorts.names[int(wired.world.accounts[held.account]["cohort"])],
        "token": token.id,
        "units_start": held.opening_lots / held.opening_per_token,
        "units_end": held.lots / token.lots_per_token,
        "bought_atoms": held.bought_atoms,
        "sold_atoms": held.sold_atoms,
        "create_fee_atoms": deals.fee_atoms[public, token.id, "creation"],
        "redeem_fee_atoms": deals.fee_atoms[public, token.id, "redemption"],
        "trading_fee_atoms": held.trading_fee_atoms,
        "management_atoms": round(held.management_atoms),
        "funding_atoms": round(held.funding_atoms),
        "end_value_atoms": floor(held.lots * desk.books.nav() / token.lots_per_token),
    }
