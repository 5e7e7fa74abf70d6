"""Probes: what an order of a given size does to the mids, all else equal.

From one quiet instant of a world copies run on: one without an order of ours, one that buys and one that sells, for
each size. What the mid of a buying or selling copy differs from the first one's by is the order's impact, free of
everything else that moved it (docs/contract.md#forks-and-probes). Each copy also tells who took the other side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from math import ceil, floor
from typing import Any

import numpy as np

from marketsim.clock import Phase, ProcessGenerator
from marketsim.kernel import codes
from marketsim.messages import Order, Purpose
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study.arm import ArmSpec
from marketsim.simulation.arms import FACTUAL, apply
from marketsim.simulation.forks import CAN_FORK, in_child, in_new_process
from marketsim.simulation.model import MarketModel
from marketsim.units import ATOMS_PER_UNIT

PROBE_COHORT = "probe"
PROBE_ACCOUNT = 1_299_999_899
"""Public id of the probe's account, in the ledger's range and beside the placebo's."""


@dataclass(frozen=True)
class ProbeOrder:
    """One order of a probe that buys; one that sells has the other signs.

    until_lots: what the probe is to have got with it, signed: what orders before it left is sent with it. offset: how
    far beyond the mid it may trade, over the mid; None for a market order. lasts_ns: how long it rests in the book.
    """

    t_ns: int
    until_lots: int
    offset: float | None = None
    lasts_ns: int = 0


@dataclass(frozen=True)
class Look:
    """When the mids are looked at [ns], and what it is called."""

    word: str
    t_ns: int


@dataclass(frozen=True)
class Probe:
    """Orders to be tried both ways from one instant of a market on [ns]; `size` of 0 sends none and is compared with.

    schedule: `reset`, the children of a whole reset, or `child`, one of them alone. size: multiple of the reset's
    orders. lots: of all orders together.
    """

    market: str
    t_ns: int
    size: float
    lots: int
    orders: tuple[ProbeOrder, ...]
    looks: tuple[Look, ...]
    schedule: str = "reset"

    @property
    def signs(self) -> tuple[int, ...]:
        """The ways it is tried."""
        return (1, -1) if self.lots else (0,)


@dataclass(frozen=True)
class ProbePlan:
    """Probes of one world in one arm. begins: the arm begins at each probe's instant; until then the world is factual.

    children: rows of the factual run's table, for a placebo arm.
    """

    scenario: Scenario
    probes: tuple[Probe, ...]
    arm: ArmSpec = FACTUAL
    begins: bool = False
    children: tuple[dict[str, Any], ...] = ()
    replication: int = 0

    def open(self) -> MarketModel:
        """The world from its start."""
        arm = FACTUAL if self.begins else self.arm
        return MarketModel(self.scenario, replication=self.replication, arm=arm, children=self.children)


def run_probes(plan: ProbePlan, *, by_replay: bool = False) -> list[dict[str, Any]]:
    """Try every probe; one row for each (probe, sign, look within the run, market looked at).

    Columns: market, t_ns, schedule, size, lots (unsigned) and sign of the probe; arrival_mid (before its first order);
    horizon and look_ns; filled_lots and filled (signed, and their notional), worst_price (that it paid or got; None
    without a fill); seen (market looked at), mid, bid, ask and mark there (None where a side is empty), liquidated
    (signed notional that liquidations traded there since the probe, + bought), net_change: {cohort: net lots bought
    there since the probe}. Prices and notionals are in money.
    """
    if not plan.probes:
        return []
    rows: list[dict[str, Any]] = in_new_process(_probe_all, plan, by_replay or not CAN_FORK)
    return rows


def _probe_all(plan: ProbePlan, by_replay: bool) -> list[dict[str, Any]]:
    probes = sorted(plan.probes, key=lambda probe: (probe.t_ns, probe.market, probe.schedule, probe.size))
    if by_replay:
        return [row for probe, sign in _trials(probes) for row in _tried(plan.open(), plan, probe, sign)]
    model, rows = plan.open(), []
    for t_ns, group in groupby(probes, key=lambda probe: probe.t_ns):
        model.env.run_before(t_ns)
        for probe, sign in _trials(group):
            rows += in_child(partial(_tried, model, plan, probe, sign))
    model.close()
    return rows


def _trials(probes: Iterable[Probe]) -> list[tuple[Probe, int]]:
    return [(probe, sign) for probe in probes for sign in probe.signs]


def _tried(model: MarketModel, plan: ProbePlan, probe: Probe, sign: int) -> list[dict[str, Any]]:
    """One probe with one sign, in a world that stands at or before its instant."""
    model.env.run_before(probe.t_ns)
    if plan.begins:
        apply(model, plan.arm, plan.children)
    trial = _Trial(model, probe, sign)
    looks = sorted((look for look in probe.looks if look.t_ns <= model.env.end_ns), key=lambda look: look.t_ns)
    model.env.process(trial.work())
    for look in looks:
        model.env.process(trial.look(look))
    if looks:
        model.env.run(looks[-1].t_ns)
        trial.look_at_end(looks)
    model.close()
    return trial.rows


class _Trial:
    """The orders of one probe, worked from the ledger, and what is seen of the world meanwhile."""

    def __init__(self, model: MarketModel, probe: Probe, sign: int) -> None:
        self.model, self.probe, self.sign = model, probe, sign
        self.specs = {market.id: market for market in model.wired.market_specs}
        bits = codes.ACC_WATCHED | codes.ACC_NO_MARGIN | codes.ACC_LEDGER
        self.account = model.add_participant(
            PROBE_COHORT, "ledger", 0, bits, self.specs[probe.market], public=PROBE_ACCOUNT
        )
        self.rows: list[dict[str, Any]] = []
        self.sent: list[Order] = []
        self.liquidated: dict[str, float] = dict.fromkeys(self.specs, 0.0)
        self.arrival_mid: float | None = None
        self.held = self._held()
        model.drop_logs()
        model.env.on_log = self._hear_logs

    def work(self) -> ProcessGenerator:
        """Send the orders as they fall due, the first in the phase in which funds decide."""
        env = self.model.env
        yield env.at(self.probe.t_ns)
        self.arrival_mid = self._price(self.probe.market, self.model.view.mid)
        for order in self.probe.orders:
            if order.t_ns > env.now:
                yield env.at(order.t_ns)
            got = sum(each.filled_lots if each.is_final else each.lots for each in self.sent)
            missing = self.sign * order.until_lots - got
            if missing:
                sent = self._send(missing, order)
                self.sent.append(sent)
                if order.lasts_ns:
                    env.process(self._take_back(sent, order.lasts_ns))
                else:
                    yield sent.done

    def _send(self, lots: int, order: ProbeOrder) -> Order:
        view, market = self.model.view, self.probe.market
        price = None
        if order.offset is not None and view.has_book(market):
            mid = view.mid(market)
            side = 1 if lots > 0 else -1
            at = (view.mark_ticks(market) if mid is None else mid) * (1 + side * order.offset)
            price = max(floor(at) if lots > 0 else ceil(at), 1)
        return self.model.gateway.send(
            self.account,
            market,
            lots,
            order_type="market" if price is None else "limit",
            price_ticks=price,
            tif="gtc" if order.lasts_ns or price is None else "ioc",
            purpose=Purpose.PLACEBO,
            decided_ns=self.probe.t_ns,
        )

    def _take_back(self, order: Order, after_ns: int) -> ProcessGenerator:
        yield self.model.env.timeout(after_ns)
        if not order.is_final:
            self.model.gateway.cancel(order)

    def look(self, look: Look) -> ProcessGenerator:
        """Look at every market at an instant, after everything of it."""
        if look.t_ns < self.model.env.end_ns:
            yield self.model.env.at(look.t_ns, Phase.RECORD)
            self._write(look)

    def look_at_end(self, looks: Sequence[Look]) -> None:
        """Look at the end of the run, where a look lies there."""
        for look in looks:
            if look.t_ns == self.model.env.end_ns:
                self._write(look)

    def _write(self, look: Look) -> None:
        self._hear_logs()
        probe, view, held = self.probe, self.model.view, self._held()
        fills = [fill for order in self.sent for fill in order.fills]
        prices = [fill.price_ticks for fill in fills]
        worst = (max(prices) if self.sign > 0 else min(prices)) if prices else None
        of_probe = {
            "market": probe.market,
            "t_ns": probe.t_ns,
            "schedule": probe.schedule,
            "size": probe.size,
            "lots": probe.lots,
            "sign": self.sign,
            "arrival_mid": self.arrival_mid,
            "horizon": look.word,
            "look_ns": look.t_ns,
            "filled_lots": sum(fill.lots for fill in fills),
            "filled": sum(fill.lots * fill.price_ticks for fill in fills) * self._money(probe.market),
            "worst_price": self._price(probe.market, lambda market: worst),
        }
        for market in self.specs:
            self.rows.append(
                {
                    **of_probe,
                    "seen": market,
                    "mid": self._price(market, view.mid),
                    "bid": self._price(market, view.bid_ticks),
                    "ask": self._price(market, view.ask_ticks),
                    "mark": self._price(market, view.mark_ticks),
                    "liquidated": self.liquidated[market],
                    "net_change": self._changes(market, held),
                }
            )

    def _hear_logs(self) -> None:
        """Add up what liquidations traded, and let the rest of the logs go."""
        names = list(self.specs)
        for row in self.model.world.take_log("liquidations"):
            market = names[int(row["market"])]
            side = -1.0 if row["size_lots"] > 0 else 1.0
            self.liquidated[market] += side * int(row["filled_ticklots"]) * self._money(market)
        for name in ("trades", "orders", "quotes", "deleveragings"):
            self.model.world.take_log(name)

    def _changes(self, market: str, held: dict[tuple[str, str], int]) -> dict[str, int]:
        """What each cohort has bought on balance in a market since the probe."""
        cohorts = sorted({cohort for cohort, where in (*held, *self.held) if where == market})
        changes = {name: held.get((name, market), 0) - self.held.get((name, market), 0) for name in cohorts}
        return {name: lots for name, lots in changes.items() if lots}

    def _money(self, market: str) -> float:
        """Money per tick and lot."""
        return self.model.world.market_int(self.model.wired.markets[market], "atoms") / ATOMS_PER_UNIT

    def _price(self, market: str, ticks: Callable[[str], float | None]) -> float | None:
        found = ticks(market)
        return None if found is None else found * float(self.specs[market].tick.amount)

    def _held(self) -> dict[tuple[str, str], int]:
        """Net lots by (cohort, market)."""
        world, names = self.model.world, self.model.wired.cohorts.names
        held = world.positions[: world.get("n_positions")]
        cohort = world.accounts["cohort"][held["account"]]
        total = np.zeros((len(names), len(self.specs)), np.int64)
        np.add.at(total, (cohort, held["market"]), held["lots"])
        markets = list(self.specs)
        return {(names[c], markets[m]): int(total[c, m]) for c, m in zip(*np.nonzero(total), strict=True)}
