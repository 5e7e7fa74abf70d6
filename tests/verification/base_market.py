"""Measures one run of a market with an index: its book, its price, its crowd. Watches a live model; changes nothing.

The measured window is from the end of the warm-up to the end of the run. Prices and quotes are read at the end of each
second, just before the index moves: at the whole second itself makers are in the middle of following it, one after
another, and their quotes are locked for a moment. The book's depth is read once a minute.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

import marketsim as ms
from marketsim.clock import Phase
from marketsim.traders.kinds.retail import RetailSpec

S = 10**9
DAY_S = 86_400
DEPTH_BPS = (1.0, 5.0, 10.0, 25.0, 50.0, 100.0)
SIGNATURE_S = (1, 10, 60, 300, 900)

Floats = NDArray[np.float64]


@dataclass
class Watched:
    """What was seen of one run.

    bid, ask, index: each second, shape (seconds,) [ticks]; a missing side is NaN. locked: mid [ticks] at each whole
    second, while makers are following the index. depth: (minutes, sides, distances)
    [lots]. traded: (cohorts, 2) lots as taker and as maker in the window. equity: cohorts' equity at the window's
    beginning and end (2, cohorts) [atoms]. maker_lots: inventory of the first maker group each minute [lots].
    """

    warmup_s: int
    atoms: int
    cohorts: list[str]
    bid: list[float] = field(default_factory=list)
    ask: list[float] = field(default_factory=list)
    index: list[float] = field(default_factory=list)
    locked: list[float] = field(default_factory=list)
    depth: list[list[list[int]]] = field(default_factory=list)
    hourly_lots: list[int] = field(default_factory=list)
    maker_lots: list[int] = field(default_factory=list)
    equity: list[NDArray[np.int64]] = field(default_factory=list)
    traded: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 2)))
    trades: int = 0
    volume_ticklots: float = 0.0
    liquidated: int = 0
    residual_atoms: int = 0
    micro_events: int = 0
    wall_s: float = 0.0


class Watcher:
    """Follows one model through its run."""

    def __init__(self, model: ms.MarketModel) -> None:
        self.model = model
        self.world = model.world
        scenario = model.scenario
        self.market = scenario.markets[0].id
        names = list(model.wired.cohorts.names)
        self.seen = Watched(scenario.clock.warmup // S, self.world.market_int(0, "atoms"), names)
        self.seen.traded = np.zeros((len(names), 2))
        self.makers = next((group.id for group in scenario.traders if group.kind == "market_maker"), "")
        model.env.on_log = self._take_trades
        model.env.process(self._every(1, 1, self._look))
        model.env.process(self._every(1, 0, self._look_at_once))
        model.env.process(self._every(60, 1, self._look_deep))
        model.env.process(self._every(3_600, 1, self._count))

    def run(self) -> Watched:
        """Run to the end and return what was seen."""
        began = time.perf_counter()
        self.model.env.run(self.seen.warmup_s * S)
        self._take_trades()
        self.seen.traded[:] = 0
        self.seen.equity.append(self._equity())
        before = (self.world.get("trade_count"), self.world.market_float(0, "volume_ticklots"))
        self.model.env.run()
        self._take_trades()
        self.seen.equity.append(self._equity())
        self.seen.trades = self.world.get("trade_count") - before[0]
        self.seen.volume_ticklots = self.world.market_float(0, "volume_ticklots") - before[1]
        self.seen.liquidated = self._liquidated()
        self.seen.residual_atoms = self.world.check_conserved()
        self.seen.micro_events = self.world.get("micro_events")
        self.seen.wall_s = time.perf_counter() - began
        return self.seen

    def _every(self, seconds: int, before_ns: int, look: Any) -> Generator[Any, Any, None]:
        due = seconds * S
        while True:
            yield self.model.env.at(due - before_ns, Phase.RECORD)
            look()
            due += seconds * S

    def _look(self) -> None:
        view = self.model.view
        bid, ask = view.bid_ticks(self.market), view.ask_ticks(self.market)
        self.seen.bid.append(float("nan") if bid is None else bid)
        self.seen.ask.append(float("nan") if ask is None else ask)
        self.seen.index.append(view.index_ticks(self.market))

    def _look_at_once(self) -> None:
        mid = self.model.view.mid(self.market)
        self.seen.locked.append(self.seen.index[-1] if mid is None else mid)

    def _look_deep(self) -> None:
        sides = [self.world.depths_lots(0, is_bid, list(DEPTH_BPS)) for is_bid in (True, False)]
        self.seen.depth.append(sides)
        accounts = self.world.accounts
        held = self.world.positions[: self.world.get("n_positions")]
        if self.makers in self.seen.cohorts:
            mine = accounts["cohort"][held["account"]] == self.seen.cohorts.index(self.makers)
            self.seen.maker_lots.append(int(held["lots"][mine].sum()))

    def _count(self) -> None:
        self.seen.hourly_lots.append(self.world.market_int(0, "volume_lots"))

    def _take_trades(self) -> None:
        for name in ("orders", "quotes", "liquidations", "deleveragings"):
            self.world.take_log(name)
        log = self.world.take_log("trades")
        cohort = self.world.accounts["cohort"]
        n = len(self.seen.traded)
        for column, side in enumerate(("taker_account", "maker_account")):
            who = cohort[log[side]]
            value = log["size_lots"] * log["price_ticks"].astype(np.float64)
            self.seen.traded[:, column] += np.bincount(who, weights=value, minlength=n)[:n]

    def _equity(self) -> NDArray[np.int64]:
        n = self.world.get("n_accounts")
        total = np.zeros(len(self.seen.cohorts), np.int64)
        np.add.at(total, self.world.accounts["cohort"][:n], self.world.equity_atoms())
        return total

    def _liquidated(self) -> int:
        levered = [i for i, spec in enumerate(self.model.scenario.traders) if isinstance(spec, RetailSpec)]
        n = self.world.get("n_accounts")
        accounts = self.world.accounts[:n]
        return int((accounts["liquidations"][np.isin(accounts["cohort"], levered)] > 0).sum())


def watch(scenario: str, seed: int, changes: Mapping[str, str] | None = None) -> Watched:
    """Run a scenario with a seed and overrides, watching it."""
    model = ms.MarketModel(scenario, seed=seed, set=changes or {})
    try:
        return Watcher(model).run()
    finally:
        model.close()


def autocorrelation(x: Floats, lag: int) -> float:
    """Of a series at a lag."""
    y = x - x.mean()
    return float((y[lag:] * y[:-lag]).mean() / (y * y).mean())


def kurtosis(x: Floats) -> float:
    """Fourth standardised moment; 3 for a normal variable."""
    y = x - x.mean()
    return float((y**4).mean() / (y * y).mean() ** 2)


def returns(log_price: Floats, seconds: int) -> Floats:
    """Returns over adjacent intervals."""
    return np.diff(log_price[::seconds])


def volatility(log_price: Floats, seconds: int) -> float:
    """Daily volatility from returns over `seconds` that overlap (less noisy than adjacent ones)."""
    moves = log_price[seconds:] - log_price[:-seconds]
    return float(np.sqrt((moves * moves).mean() * DAY_S / seconds))


def figures(seen: Watched) -> dict[str, float]:
    """The figures of docs/calibration.md#targets, by name with unit; volumes and profits scaled to one day."""
    start = seen.warmup_s
    bid, ask, index = (np.array(x[start - 1 :]) for x in (seen.bid, seen.ask, seen.index))
    mid = 0.5 * (bid + ask)
    there = ~np.isnan(mid)
    mid = np.where(there, mid, index)
    days = (len(mid) - 1) / DAY_S
    volume = seen.volume_ticklots / days  # ticklots a day
    found: dict[str, float] = {}
    spread = ((ask - bid) / mid)[there] * 1e4
    found["spread_median_bp"] = float(np.median(spread))
    found["spread_one_tick_share"] = float(((ask - bid)[there] <= 1).mean())
    found["one_sided_share"] = float(1 - there.mean())
    unit = seen.atoms / 1e8
    found["volume_musdt"] = volume * unit / 1e6
    found["trades_million"] = seen.trades / days / 1e6
    _depth(seen, volume, float(mid.mean()), found)
    deviation = (mid - index) / index * 1e4
    found["deviation_median_bp"] = float(np.median(np.abs(deviation)))
    found["deviation_99_bp"] = float(np.quantile(np.abs(deviation), 0.99))
    found["deviation_mean_bp"] = float(deviation.mean())
    found["deviation_ac_60s"] = autocorrelation(deviation, 60)
    found["deviation_ac_600s"] = autocorrelation(deviation, 600)
    _returns(np.log(mid), np.log(index), found)
    locked = np.log(np.array(seen.locked[start - 1 :]))
    found["signature_1s_at_whole_seconds"] = volatility(locked, 1) / volatility(locked, 300)
    _wealth(seen, days, found)
    return found


def _depth(seen: Watched, volume: float, mid: float, found: dict[str, float]) -> None:
    """Depth of both sides as a share of daily volume, and its steadiness."""
    depth = np.array(seen.depth[seen.warmup_s // 60 :], np.float64)
    for k, bps in enumerate(DEPTH_BPS):
        for side, name in enumerate(("bid", "ask")):
            found[f"depth_{name}_{bps:g}bp_percent"] = float(depth[:, side, k].mean() * mid / volume * 100)
    half = len(depth) // 2
    found["depth_second_half"] = float(depth[half:, :, 5].mean() / depth[:half, :, 5].mean())
    hours = np.diff(seen.hourly_lots)
    half = len(hours) // 2
    found["volume_second_half"] = float(hours[-half:].mean() / hours[:half].mean())


def _returns(perp: Floats, index: Floats, found: dict[str, float]) -> None:
    """Volatilities, signature, autocorrelations, tails and clustering of perp and index."""
    at = {s: volatility(perp, s) for s in SIGNATURE_S}
    own = {s: volatility(index, s) for s in SIGNATURE_S}
    found["volatility_index_bp_day"] = own[300] * 1e4
    found["volatility_ratio_5min"] = at[300] / own[300]
    for s in SIGNATURE_S:
        found[f"signature_{s}s"] = at[s] / at[300]
        found[f"signature_index_{s}s"] = own[s] / own[300]
    for s in (1, 10, 60):
        found[f"ac1_{s}s"] = autocorrelation(returns(perp, s), 1)
    minute, index_minute = returns(perp, 60), returns(index, 60)
    found["kurtosis_1min"] = kurtosis(minute)
    found["kurtosis_index_1min"] = kurtosis(index_minute)
    found["abs_ac_1_10min"] = float(np.mean([autocorrelation(np.abs(minute), k) for k in range(1, 11)]))
    found["abs_ac_index_1_10min"] = float(np.mean([autocorrelation(np.abs(index_minute), k) for k in range(1, 11)]))


def _wealth(seen: Watched, days: float, found: dict[str, float]) -> None:
    """Profits of makers and noise traders, inventories, who trades how much, liquidations."""
    change = (seen.equity[1] - seen.equity[0]) / 1e8 / days
    turnover = seen.traded * (seen.atoms / 1e8)
    total = turnover[:, 0].sum()
    for i, name in enumerate(seen.cohorts):
        if name in ("makers", "noise"):
            found[f"{name}_profit_kusdt"] = float(change[i]) / 1e3
        if turnover[i].sum() > 0:
            found[f"share_of_taking_{name}"] = float(turnover[i, 0] / total)
            found[f"share_of_making_{name}"] = float(turnover[i, 1] / total)
    if "makers" in seen.cohorts:
        i = seen.cohorts.index("makers")
        found["makers_profit_bp"] = float(change[i] * days / turnover[i].sum() * 1e4)
        price = float(np.mean(seen.index)) * seen.atoms / 1e8
        held = np.array(seen.maker_lots[seen.warmup_s // 60 :]) * price
        found["makers_inventory_sd_musdt"] = float(held.std() / 1e6)
    if "noise" in seen.cohorts:
        i = seen.cohorts.index("noise")
        found["noise_wealth_change_percent"] = float(change[i] / (seen.equity[0][i] / 1e8) * 100)
    found["liquidated_traders"] = float(seen.liquidated)
    found["residual_atoms"] = float(seen.residual_atoms)
