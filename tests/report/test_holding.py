"""Sections on token markets, holders and decay, from rows written by hand."""

from pathlib import Path

import polars as pl
import pytest

from marketsim.report.holding import decay, holders, token_markets
from marketsim.report.record import RunRecord
from tests.report.synthetic_run import HOUR, empty_tables, synthetic_tables, write_run

HOLDER = {
    "account": 3, "cohort": "savers", "token": "BTC3L", "units_start": 10.0, "units_end": 12.5,
    "bought_atoms": 300 * 10**8, "sold_atoms": 50 * 10**8, "create_fee_atoms": 2 * 10**8, "redeem_fee_atoms": 10**8,
    "trading_fee_atoms": 4 * 10**8, "management_atoms": 5 * 10**8, "funding_atoms": -6 * 10**8,
    "end_value_atoms": 1_250 * 10**8,
}  # fmt: skip
DECAY = {
    "token": "BTC3L", "t0_ns": 0, "t1_ns": HOUR, "log_return": 0.02, "beta_term": 0.03, "variance_term": -0.004,
    "funding_term": -0.003, "fee_term": -0.001, "cost_term": -0.0015, "residual": -0.0005,
}  # fmt: skip


def rows(name: str, *given: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(given, schema=empty_tables()[name].schema)


@pytest.fixture
def record(tmp_path: Path) -> RunRecord:
    tables = synthetic_tables(every_ns=HOUR)
    premium = pl.when(pl.col("token") == "BTC3L").then(pl.lit(0.002))
    tables["tokens"] = tables["tokens"].with_columns(
        mid_price=pl.when(pl.col("token") == "BTC3L").then(pl.col("nav") * 1.002), premium_to_nav=premium
    )
    tables["holders"] = rows("holders", HOLDER, {**HOLDER, "account": 4, "units_start": 5.0})
    later = {**DECAY, "t0_ns": HOUR, "t1_ns": 2 * HOUR}
    gone = {**DECAY, "token": "PAIR", "log_return": None, "variance_term": None, "residual": None}
    tables["decay"] = rows("decay", DECAY, later, gone)
    write_run(tmp_path, tables)
    return RunRecord.open(tmp_path)


def test_a_token_market_tells_its_premium(record: RunRecord) -> None:
    page = token_markets(record)
    assert page.count("20.0 bps") == 4  # median, median distance, lowest, highest
    assert page.count("<figure") == 1
    assert "BTC3S" not in page


def test_holders_are_summed_by_cohort(record: RunRecord) -> None:
    page = holders(record)
    for cell in ("savers", ">2<", "15.000", "25.000", "600.0 USDT", "6.000 USDT", "8.000 USDT", "2.500 kUSDT"):
        assert cell in page


def test_decay_sums_its_terms_over_the_run(record: RunRecord) -> None:
    page = decay(record)
    for cell in ("4.00 %", "6.00 %", "−0.80 %", "−0.60 %", "−0.20 %", "−0.30 %", "−0.10 %"):
        assert cell in page
    assert page.count("<td class=number>–</td>") == 3  # of the basket that was wiped: return, variance, residual


def test_a_run_without_holders_says_so(tmp_path: Path) -> None:
    write_run(tmp_path, empty_tables())
    record = RunRecord.open(tmp_path)
    for section in (token_markets, holders, decay):
        assert 'class="empty"' in section(record)
