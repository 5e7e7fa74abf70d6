"""Rows of who holds and pays what: deposits at the start, cohorts, positions and flows, accounts at the end."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketsim.datasets.canonical import CodedText, Given
from marketsim.kernel import codes
from marketsim.simulation.model import MarketModel

Row = dict[str, Any]


def instruments(model: MarketModel) -> list[Row]:
    """Every market as it is traded."""
    return [
        {
            "market": market.id,
            "venue": market.venue,
            "kind": market.kind,
            "underlying": market.underlying,
            "contract": market.contract,
            "tick": float(market.tick.amount),
            "lot": float(market.lot.amount),
            "atoms_per_tick_lot": model.world.market_int(i, "atoms"),
            "asset": market.currency,
        }
        for i, market in enumerate(model.wired.market_specs)
    ]


def opening_flows(model: MarketModel) -> list[Row]:
    """Ledger rows at t = 0: every deposit, and the cash that opening positions cost against `outside`.

    Cohorts that joined before the start (agents, events) have their deposit in the journal already.
    """
    cohorts = model.wired.cohorts
    deposits = _sum_by_cohort(model, model.world.accounts["deposit_atoms"])
    moved = _sum_by_cohort(model, model.opening_cash_atoms) - _sum_by_cohort(model, model.opening_deposits)
    rows = []
    for c, name in enumerate(cohorts.names):
        if deposits[c] and cohorts.kinds[c] not in ("agent", "event"):
            rows.append(_flow(model, 0, "deposit", c, None, name, int(deposits[c])))
    for c, name in enumerate(cohorts.names):
        if moved[c] and name != "outside":
            rows.append(_flow(model, 0, "trade", c, name, "outside", -int(moved[c])))
    return rows


def take_flows(model: MarketModel, t_ns: int) -> list[Row]:
    """Ledger rows of what the kernel moved since the last call, one per kind and pair of cohorts."""
    names = model.wired.cohorts.names
    flows = model.world.take_flows()
    return [
        _flow(
            model,
            t_ns,
            codes.ENTRIES[entry],
            int(payer),
            names[payer],
            names[receiver],
            int(flows[entry, payer, receiver]),
        )
        for entry, payer, receiver in zip(*np.nonzero(flows), strict=True)
    ]


def _flow(model: MarketModel, t_ns: int, entry: str, cohort: int, payer: str | None, receiver: str, atoms: int) -> Row:
    return {
        "t_ns": t_ns,
        "entry": entry,
        "asset": model.wired.cohorts.assets[cohort],
        "from_cohort": payer,
        "to_cohort": receiver,
        "atoms": atoms,
    }


def cohorts(model: MarketModel, t_ns: int) -> list[Row]:
    """Cash and equity of every cohort."""
    known = model.wired.cohorts
    cash = _sum_by_cohort(model, model.world.accounts["cash_atoms"])
    equity = _sum_by_cohort(model, model.world.equity_atoms())
    n = model.world.get("n_accounts")
    members = np.bincount(model.world.accounts["cohort"][:n], minlength=len(known.names))
    return [
        {
            "t_ns": t_ns,
            "cohort": name,
            "kind": known.kinds[c],
            "accounts": int(members[c]),
            "asset": known.assets[c],
            "cash_atoms": int(cash[c]),
            "equity_atoms": int(equity[c]),
        }
        for c, name in enumerate(known.names)
    ]


def positions(model: MarketModel, t_ns: int) -> list[Row]:
    """Long, short and net lots of every cohort in every market it may hold a position in."""
    held = model.world.positions[: model.world.get("n_positions")]
    place = model.world.accounts["cohort"][held["account"]], held["market"]
    names, markets = model.wired.cohorts.names, model.wired.market_specs
    long_lots = np.zeros((len(names), len(markets)), np.int64)
    short_lots = np.zeros_like(long_lots)
    present = np.zeros(long_lots.shape, bool)
    present[place] = True
    np.add.at(long_lots, place, np.maximum(held["lots"], 0))
    np.add.at(short_lots, place, np.maximum(-held["lots"], 0))
    return [
        {
            "t_ns": t_ns,
            "cohort": names[c],
            "market": markets[m].id,
            "net_lots": int(long_lots[c, m] - short_lots[c, m]),
            "long_lots": int(long_lots[c, m]),
            "short_lots": int(short_lots[c, m]),
        }
        for c, m in zip(*np.nonzero(present), strict=True)
    ]


def account_columns(model: MarketModel) -> dict[str, Given]:
    """Columns of table `accounts`, by public id."""
    wired, n = model.wired, model.world.get("n_accounts")
    accounts = model.world.accounts[:n]
    cohort = accounts["cohort"]
    order = np.argsort(wired.account_ids, kind="stable")
    assets = list(dict.fromkeys(wired.cohorts.assets))
    asset_of = np.array([assets.index(asset) for asset in wired.cohorts.assets])
    return {
        "account": wired.account_ids[order],
        "cohort": CodedText(cohort[order].astype(np.int64), wired.cohorts.names),
        "asset": CodedText(asset_of[cohort][order], assets),
        "start_equity_atoms": accounts["deposit_atoms"][order],
        "end_equity_atoms": model.world.equity_atoms()[order],
        "trading_fees_atoms": accounts["fees_atoms"][order],
        "funding_atoms": accounts["funding_atoms"][order],
        "liquidations": accounts["liquidations"][order].astype(np.int64),
    }


def _sum_by_cohort(model: MarketModel, values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sums over the accounts of each cohort (cohorts,) of values by account."""
    n = min(model.world.get("n_accounts"), len(values))
    total = np.zeros(len(model.wired.cohorts.names), np.int64)
    np.add.at(total, model.world.accounts["cohort"][:n], values[:n])
    return total
