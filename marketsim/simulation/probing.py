"""Probes: what an order of a given size does to the mids, all else equal.

From one quiet instant of the factual world two copies run on, one with an order to buy, one with the same order to
sell; half the log ratio of their mids is the order's impact, free of everything that moved both (antithetic pairs,
docs/contract.md#measures). Each probe also tells who took its other side and what it set off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil, floor
from typing import Any

import numpy as np

from marketsim.clock import Phase, ProcessGenerator
from marketsim.issuers.algorithms.child import PROTECTION
from marketsim.kernel import codes
from marketsim.messages import Order, Purpose
from marketsim.scenario.schema import Scenario
from marketsim.simulation.forks import CAN_FORK, in_child, in_new_process
from marketsim.simulation.model import MarketModel
from marketsim.units import ATOMS_PER_UNIT

PROBE_COHORT = "probe"
PROBE_ACCOUNT = 1_299_999_899
"""Public id of the probe's account, in the ledger's range and beside the placebo's."""


@dataclass(frozen=True)
class Probe:
    """An order to be tried both ways: in a market, from an instant on [ns], over a time [ns] in slices."""

    market: str
    t_ns: int
    lots: int
    over_ns: int = 0
    slices: int = 1


@dataclass(frozen=True)
class ProbePlan:
    """Probes of one factual world; mids are looked at so long after each probe's instant [ns]."""

    scenario: Scenario
    probes: tuple[Probe, ...]
    horizons_ns: tuple[int, ...]
    replication: int = 0


def run_probes(plan: ProbePlan, *, by_replay: bool = False) -> list[dict[str, Any]]:
    """Try every probe with both signs; one row for each (probe, sign, horizon within the run, market looked at).

    Columns: market, t_ns, lots (of the probe, unsigned), sign, over_ns, horizon_ns, filled_lots and filled (signed, and
    their notional in money), seen (market looked at), mid_before and mid (money; None where a side is empty),
    liquidated (signed notional that liquidations traded in the seen market since the probe, + bought) and net_change:
    {cohort: net lots bought in the seen market since the probe}.
    """
    if not plan.probes:
        return []
    rows: list[dict[str, Any]] = in_new_process(_probe_all, plan, by_replay or not CAN_FORK)
    return rows


def _probe_all(plan: ProbePlan, by_replay: bool) -> list[dict[str, Any]]:
    probes = sorted(plan.probes, key=lambda probe: (probe.t_ns, probe.market, probe.lots))
    rows: list[dict[str, Any]] = []
    if by_replay:
        for probe in probes:
            for sign in (+1, -1):
                rows += _tried(MarketModel(plan.scenario, replication=plan.replication), plan, probe, sign)
        return rows
    model = MarketModel(plan.scenario, replication=plan.replication)
    for probe in probes:
        model.env.run_before(probe.t_ns)
        for sign in (+1, -1):
            rows += in_child(partial(_tried, model, plan, probe, sign))
    model.close()
    return rows


def _tried(model: MarketModel, plan: ProbePlan, probe: Probe, sign: int) -> list[dict[str, Any]]:
    """One probe with one sign, in a world that stands at or before its instant."""
    model.env.run_before(probe.t_ns)
    trial = _Trial(model, probe, sign)
    ends = [at for at in sorted(set(plan.horizons_ns)) if probe.t_ns + at <= model.env.end_ns]
    model.env.process(trial.work())
    for horizon in ends:
        model.env.process(trial.look(horizon))
    if ends:
        model.env.run(min(probe.t_ns + ends[-1] + 1, model.env.end_ns))
        trial.look_now(ends)
    model.close()
    return trial.rows


class _Trial:
    """One order that is worked from the ledger, and what is seen of the world meanwhile."""

    def __init__(self, model: MarketModel, probe: Probe, sign: int) -> None:
        self.model, self.probe, self.sign = model, probe, sign
        self.specs = {market.id: market for market in model.wired.market_specs}
        bits = codes.ACC_WATCHED | codes.ACC_NO_MARGIN | codes.ACC_LEDGER
        self.account = model.add_participant(
            PROBE_COHORT, "ledger", 0, bits, self.specs[probe.market], public=PROBE_ACCOUNT
        )
        self.rows: list[dict[str, Any]] = []
        self.orders: list[Order] = []
        self.liquidated: dict[str, float] = dict.fromkeys(self.specs, 0.0)
        self.seen_ns: set[int] = set()
        self.mids = {market: self._mid(market) for market in self.specs}
        self.held = self._held()
        model.drop_logs()
        model.env.on_log = self._hear_logs

    def work(self) -> ProcessGenerator:
        """Send the order in slices, each with what those before it left."""
        probe, sent = self.probe, 0
        for slice_ in range(probe.slices):
            due = probe.t_ns + probe.over_ns * slice_ // probe.slices
            if due > self.model.env.now:
                yield self.model.env.at(due)
            sent = probe.lots * (slice_ + 1) // probe.slices
            missing = sent - abs(sum(order.filled_lots for order in self.orders))
            if missing > 0:
                order = self._send(self.sign * missing)
                self.orders.append(order)
                yield order.done

    def _send(self, lots: int) -> Order:
        """An immediate order that may trade as far from the mid as a fund's."""
        view, market = self.model.view, self.probe.market
        mid = view.mid(market)
        price = view.mark_ticks(market) if mid is None else mid
        far = 1 + float(PROTECTION) if lots > 0 else 1 - float(PROTECTION)
        limit = max(floor(price * far) if lots > 0 else ceil(price * far), 1)
        has_book = view.has_book(market)
        return self.model.gateway.send(
            self.account,
            market,
            lots,
            order_type="limit" if has_book else "market",
            price_ticks=limit if has_book else None,
            tif="ioc",
            purpose=Purpose.PLACEBO,
            decided_ns=self.probe.t_ns,
        )

    def look(self, horizon_ns: int) -> ProcessGenerator:
        """Look at every market so long after the probe, after everything of that instant."""
        at = self.probe.t_ns + horizon_ns
        if at < self.model.env.end_ns:
            yield self.model.env.at(at, Phase.RECORD)
            self._write(horizon_ns)

    def look_now(self, horizons_ns: Sequence[int]) -> None:
        """Look at the end of the run, where a horizon lies there."""
        for horizon_ns in horizons_ns:
            if horizon_ns not in self.seen_ns:
                self._write(horizon_ns)

    def _write(self, horizon_ns: int) -> None:
        self._hear_logs()
        self.seen_ns.add(horizon_ns)
        probe, held = self.probe, self._held()
        filled = sum(order.filled_lots for order in self.orders)
        paid = sum(fill.lots * fill.price_ticks for order in self.orders for fill in order.fills)
        worth = self._money(probe.market)
        for market in self.specs:
            self.rows.append(
                {
                    "market": probe.market,
                    "t_ns": probe.t_ns,
                    "lots": probe.lots,
                    "sign": self.sign,
                    "over_ns": probe.over_ns,
                    "horizon_ns": horizon_ns,
                    "filled_lots": filled,
                    "filled": paid * worth,
                    "seen": market,
                    "mid_before": self.mids[market],
                    "mid": self._mid(market),
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

    def _mid(self, market: str) -> float | None:
        mid = self.model.view.mid(market)
        return None if mid is None else mid * float(self.specs[market].tick.amount)

    def _held(self) -> dict[tuple[str, str], int]:
        """Net lots by (cohort, market)."""
        world, names = self.model.world, self.model.wired.cohorts.names
        held = world.positions[: world.get("n_positions")]
        cohort = world.accounts["cohort"][held["account"]]
        total = np.zeros((len(names), len(self.specs)), np.int64)
        np.add.at(total, (cohort, held["market"]), held["lots"])
        markets = list(self.specs)
        return {(names[c], markets[m]): int(total[c, m]) for c, m in zip(*np.nonzero(total), strict=True)}
