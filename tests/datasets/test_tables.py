"""The dictionary of tables keeps the public contract's names, and every name can be used in SQL as it stands."""

from __future__ import annotations

import sqlite3
import subprocess
import sys

import polars as pl
import pytest

from marketsim.datasets.tables import TABLES, Table, data_dictionary, table_named
from marketsim.errors import UsageError

# The public contract, section 5: every table with its columns in order.
CONTRACT = """
instruments: market, venue, kind, underlying, contract, tick, lot, atoms_per_tick_lot, asset
trades: t_ns, market, seq, price_ticks, price, size_lots, taker_side, taker_account, maker_account, taker_cohort, \
maker_cohort, taker_order, maker_order, taker_purpose, maker_purpose, taker_parent, maker_parent
orders: t_ns, market, seq, order_id, account, cohort, action, side, order_type, price_ticks, size_lots, \
remaining_lots, reason
quotes: t_ns, market, bid_ticks, bid_lots, ask_ticks, ask_lots, mid
depth: t_ns, market, side, bps, size_lots
book: t_ns, market, side, level, price_ticks, size_lots
marks: t_ns, market, index_price, mark_price, mid_price, last_price, premium, predicted_funding, open_interest_lots, \
latent_price
funding: t_ns, market, rate, mean_premium, mark_price, atoms_per_lot, paid_by_longs_atoms, received_by_shorts_atoms
tokens: t_ns, token, nav, nav_published, supply, equity_atoms, claims_atoms, leverage, target_leverage, mid_price, \
premium_to_nav, trigger_up, trigger_down, last_reset_price, state
token_legs: t_ns, token, market, position_lots, notional_atoms, leverage, target_leverage
rebalances: id, cohort, token, market, trigger, price_source, trigger_price, t_decide_ns, t_first_ns, t_last_ns, \
leverage_before, leverage_after, equity_before_atoms, position_before_lots, mark_price, goal_leverage, \
last_reset_price, last_reset_equity_atoms, target_lots, filled_lots, backlog_lots, arrival_mid, vwap, slippage_bps, \
shortfall_bps, fees_atoms, market_volume_lots, participation, cross_lots, mid_1m, mid_10m, mid_1h, children, status
primary: t_ns, t_request_ns, t_settle_ns, token, side, account, cohort, units, cash_atoms, price, nav_true, \
fee_atoms, queue_ahead, hedge_parent, status, reason
liquidations: t_ns, market, account, cohort, size_lots, entry_price, leverage, mark_price, index_price, \
bankruptcy_price, vwap, fee_atoms, insurance_atoms, deleveraged_lots, stage, cascade, parent, is_fund, \
solvent_at_index, t_order_ns
deleveragings: t_ns, market, account, cohort, size_lots, price, rank, cascade
cohorts: t_ns, cohort, kind, accounts, asset, cash_atoms, equity_atoms
positions: t_ns, cohort, market, net_lots, long_lots, short_lots
accounts: account, cohort, asset, start_equity_atoms, end_equity_atoms, trading_fees_atoms, funding_atoms, liquidations
holders: account, cohort, token, units_start, units_end, bought_atoms, sold_atoms, create_fee_atoms, \
redeem_fee_atoms, trading_fee_atoms, management_atoms, funding_atoms, end_value_atoms
ledger: t_ns, entry, asset, from_cohort, to_cohort, atoms
attribution: token, t0_ns, t1_ns, opening_atoms, index_atoms, basis_atoms, funding_atoms, management_fee_atoms, \
trading_fee_atoms, slippage_atoms, primary_atoms, closing_atoms
decay: token, t0_ns, t1_ns, log_return, beta_term, variance_term, funding_term, fee_term, cost_term, residual
events: t_ns, event, subject, detail
"""
CONTRACT_COLUMNS = {
    name: tuple(columns.split(", ")) for name, columns in (line.split(": ") for line in CONTRACT.strip().splitlines())
}

# PostgreSQL 16, appendix C: every key word that is reserved there; in the last line what DuckDB reserves besides.
RESERVED = set(
    "all analyse analyze and any array as asc asymmetric authorization between binary both case cast check collate "
    "collation column concurrently constraint create cross current_catalog current_date current_role current_schema "
    "current_time current_timestamp current_user default deferrable desc distinct do else end except false fetch for "
    "foreign freeze from full grant group having ilike in initially inner intersect into is isnull join lateral "
    "leading left like limit localtime localtimestamp natural not notnull null offset on only or order outer "
    "overlaps placing primary references returning right select session_user similar some symmetric system_user table "
    "tablesample then to trailing true union unique user using variadic verbose when where window with "
    "describe lambda pivot qualify show summarize unpivot".split()
)

each_table = pytest.mark.parametrize("table", TABLES.values(), ids=TABLES.keys())


def test_every_table_and_column_of_the_contract_is_there_under_its_name() -> None:
    there = {table.name: table.names for table in TABLES.values()}
    assert there.keys() - CONTRACT_COLUMNS.keys() == {"children"}  # ours, beside those of the contract
    assert {name: there[name] for name in CONTRACT_COLUMNS} == CONTRACT_COLUMNS


@each_table
def test_column_names_differ_ignoring_case_and_need_no_quotes_in_sql(table: Table) -> None:
    lower = [name.lower() for name in table.names]
    assert len(set(lower)) == len(lower)
    assert not RESERVED & set(lower)
    with sqlite3.connect(":memory:") as base:
        base.execute(f"CREATE TABLE rows_of_it ({', '.join(table.names)})")
        base.execute(f"SELECT {', '.join(table.names)} FROM rows_of_it ORDER BY {', '.join(table.sort)}")
    base.close()


@each_table
def test_whole_numbers_carry_their_unit_and_are_never_null(table: Table) -> None:
    for column in table.columns:
        ending = column.name.rsplit("_", 1)[-1]
        if ending in ("ns", "ticks", "lots", "atoms"):
            assert (column.dtype, column.unit) == ("int64", ending)
        if column.dtype in ("int64", "bool"):
            assert not column.may_be_null


@each_table
def test_keys_and_sort_order_are_columns_and_every_column_is_explained(table: Table) -> None:
    assert set(table.keys) <= set(table.names)
    assert set(table.sort) <= set(table.names)
    assert table.keys or table.name == "deleveragings"  # nothing tells those of two queues at an instant apart
    assert table.sort
    assert table.description.endswith(".")
    assert all(column.meaning for column in table.columns)


@each_table
def test_an_empty_table_has_the_declared_columns(table: Table) -> None:
    frame = table.empty()
    kinds = {"int64": pl.Int64, "float64": pl.Float64, "text": pl.String, "bool": pl.Boolean}
    assert frame.schema == {column.name: kinds[column.dtype] for column in table.columns}
    assert len(frame) == 0


def test_the_data_dictionary_names_every_column_of_every_table() -> None:
    chapters = dict(zip(TABLES, data_dictionary().split("\n## ")[1:], strict=True))
    for table in TABLES.values():
        assert chapters[table.name].startswith(table.name)
        assert all(f"| `{name}` |" in chapters[table.name] for name in table.names)


def test_an_unknown_table_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(UsageError, match="no table 'trade'; the tables are instruments, trades"):
        table_named("trade")


def test_the_dictionary_loads_no_data_frame_library() -> None:
    code = "import sys, marketsim.datasets.tables; sys.exit('polars' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
