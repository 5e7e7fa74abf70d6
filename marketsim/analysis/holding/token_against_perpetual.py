"""Each holder of a token against a replicating position, which does with a perpetual what the holder did.

The position gets the cash at the instant the holder put it in (at the start: what the units were worth at NAV), and
hands back the same share of what it has when the holder sells; so both had the same money for the same time. What each
has in the end is compared: cash handed back, and what is held, tokens at NAV, the perpetual at the mark. The position
trades at the recorded quotes, which it does not move. The answer differs at equal exposure, equal capital and equal
largest loss, and all three are the buyer's question (docs/products.md#claims).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import polars as pl
from pydantic import TypeAdapter

from marketsim.analysis.holding.holder_flows import HolderHistory, holder_histories, representative_holder
from marketsim.analysis.holding.perpetual_tape import perp_terms, read_tape
from marketsim.analysis.holding.replicating_position import ReplicatingPosition
from marketsim.datasets.run import Run
from marketsim.issuers.token_spec import TokenSpec
from marketsim.scenario import Scenario
from marketsim.scenario import load as load_scenario
from marketsim.scenario.study.position import PerpetualPositionSpec

COLUMNS = {
    "token": pl.String, "account": pl.Int64, "cohort": pl.String,
    "match": pl.String, "leverage": pl.Float64, "stop_loss": pl.Float64,
    "start_ns": pl.Int64, "cash_in_atoms": pl.Int64,
    "token_wealth_atoms": pl.Int64, "token_trading_fee_atoms": pl.Int64,
    "token_create_fee_atoms": pl.Int64, "token_redeem_fee_atoms": pl.Int64,
    "token_management_atoms": pl.Int64, "token_funding_atoms": pl.Int64,
    "perp_wealth_atoms": pl.Int64, "perp_margin_atoms": pl.Int64, "perp_notional_atoms": pl.Int64,
    "perp_fee_atoms": pl.Int64, "perp_liquidation_fee_atoms": pl.Int64, "perp_funding_atoms": pl.Int64,
    "perp_interest_atoms": pl.Int64,
    "perp_stopped_ns": pl.Int64, "perp_liquidated_ns": pl.Int64,
}  # fmt: skip
"""Columns of `compare_holding`, and their types."""


@dataclass(frozen=True, slots=True)
class HoldingRow:
    """One holder against one perpetual position.

    account, cohort: None for the representative holder. stop_loss, perp_stopped_ns, perp_liquidated_ns: None without
    one. Fees are positive as costs, funding is + received; wealth counts what was handed back before.
    """

    token: str
    account: int | None
    cohort: str | None
    match: str
    leverage: float
    stop_loss: float | None
    start_ns: int
    cash_in_atoms: int
    token_wealth_atoms: int
    token_trading_fee_atoms: int
    token_create_fee_atoms: int
    token_redeem_fee_atoms: int
    token_management_atoms: int
    token_funding_atoms: int
    perp_wealth_atoms: int
    perp_margin_atoms: int
    perp_notional_atoms: int
    perp_fee_atoms: int
    perp_liquidation_fee_atoms: int
    perp_funding_atoms: int
    perp_interest_atoms: int
    perp_stopped_ns: int | None
    perp_liquidated_ns: int | None


def compare_holding(
    run_directory: str | Path, positions: Iterable[Mapping[str, object] | PerpetualPositionSpec], *, units: int = 100
) -> pl.DataFrame:
    """Wealth, costs and liquidations of each holder of a token against those of each position; columns `COLUMNS`.

    positions: such as `{"as": "perp", "leverage": "5", "stop_loss": "10%", "match": "capital"}`. Holders are those of
    table `holders`; a token that has none there gets one who holds `units` of it from start to end. Baskets of several
    legs have no single perpetual to be compared with, and no row.
    """
    run = Run(run_directory)
    scenario = load_scenario(run.path / "resolved.json")
    specs = TypeAdapter(list[PerpetualPositionSpec]).validate_python(list(positions))
    rows = [
        asdict(row)
        for token in scenario.tokens
        if len(token.basket) == 1
        for row in _rows_of(run, scenario, token, specs, units)
    ]
    return pl.DataFrame(rows, schema=COLUMNS)


def _rows_of(
    run: Run, scenario: Scenario, token: TokenSpec, specs: Sequence[PerpetualPositionSpec], units: int
) -> Iterator[HoldingRow]:
    ((market_id, target),) = token.basket.items()
    market = next(market for market in scenario.markets if market.id == market_id)
    tape, terms = read_tape(run, market), perp_terms(market)
    side, end_ns = 1 if target > 0 else -1, scenario.clock.duration
    for holder in holder_histories(run, token.id) or [representative_holder(run, token.id, units)]:
        for spec in specs if holder.cash_in_atoms else ():
            position = ReplicatingPosition(spec, tape, terms, side)
            _replay(holder, position, Fraction(target), end_ns)
            yield _row(holder, spec, position)


def _replay(holder: HolderHistory, position: ReplicatingPosition, target: Fraction, end_ns: int) -> None:
    """Do with the position what the holder did with the token, to the end."""
    for flow in holder.flows:
        position.advance(flow.t_ns)
        if flow.cash_atoms:
            position.put_in(flow.t_ns, flow.cash_atoms, target)
        if flow.share:
            position.take_out(flow.t_ns, flow.share)
    position.advance(end_ns, inclusive=True)


def _row(holder: HolderHistory, spec: PerpetualPositionSpec, position: ReplicatingPosition) -> HoldingRow:
    costs = holder.costs
    return HoldingRow(
        token=holder.token,
        account=holder.account,
        cohort=holder.cohort,
        match=spec.match,
        leverage=float(spec.leverage),
        stop_loss=None if spec.stop_loss is None else float(spec.stop_loss),
        start_ns=holder.flows[0].t_ns,
        cash_in_atoms=holder.cash_in_atoms,
        token_wealth_atoms=holder.wealth_atoms,
        token_trading_fee_atoms=costs.trading_fee,
        token_create_fee_atoms=costs.create_fee,
        token_redeem_fee_atoms=costs.redeem_fee,
        token_management_atoms=costs.management,
        token_funding_atoms=costs.funding,
        perp_wealth_atoms=position.wealth_atoms(),
        perp_margin_atoms=position.margin_atoms,
        perp_notional_atoms=position.opened_atoms,
        perp_fee_atoms=position.fees_atoms,
        perp_liquidation_fee_atoms=position.liquidation_fees_atoms,
        perp_funding_atoms=position.funding_atoms,
        perp_interest_atoms=position.interest_atoms,
        perp_stopped_ns=position.stopped_ns,
        perp_liquidated_ns=position.liquidated_ns,
    )
