"""The insurance fund's statement on the page: its lines add up to what the snapshots say, to the atom."""

from pathlib import Path

import polars as pl

from marketsim import run as run_scenario
from marketsim.report.insurance import insurance, insurance_accounts
from marketsim.report.record import RunRecord
from tests.report.synthetic_run import write_run


def record_of(directory: Path, cohorts: list[tuple[int, int, int]], ledger: list[tuple[object, ...]]) -> RunRecord:
    snapshots = [
        dict(
            t_ns=t_ns, cohort="insurance", kind="ledger", accounts=1, asset="USDT", cash_atoms=cash, equity_atoms=equity
        )
        for t_ns, cash, equity in cohorts
    ]
    names = ("t_ns", "entry", "asset", "from_cohort", "to_cohort", "atoms")
    tables = {
        "cohorts": pl.DataFrame(snapshots),
        "ledger": pl.DataFrame([dict(zip(names, row, strict=True)) for row in ledger], infer_schema_length=None),
        **{name: pl.DataFrame({"t_ns": []}) for name in ("trades", "deleveragings", "rebalances")},
        "liquidations": pl.DataFrame({"market": ["M", "M"], "insurance_atoms": [-30, -5]}),
        "instruments": pl.DataFrame(
            {"market": ["M"], "underlying": ["BTC"], "asset": ["USDT"], "tick": [0.1], "lot": [0.001],
             "atoms_per_tick_lot": [10_000]}
        ),
    }  # fmt: skip
    return RunRecord.open(write_run(directory / "run", tables))


LEDGER: list[tuple[object, ...]] = [
    (0, "deposit", "USDT", None, "insurance", 1_000),
    (60, "liquidation_fee", "USDT", "retail", "insurance", 59),
    (60, "insurance", "USDT", "insurance", "retail", 400),  # for positions then worth 365 at the mark: 35 lost
    (120, "trade", "USDT", "makers", "insurance", 350),
    (120, "trading_fee", "USDT", "insurance", "venue", 2),
]


def test_fees_takeovers_and_what_became_of_them_add_up(tmp_path: Path) -> None:
    """1000 + 59 - 35 + (350 + 20 still held - 365 = 5) - 2 = 1027, of which 1007 is cash."""
    record = record_of(tmp_path, [(0, 1_000, 1_000), (60, 659, 1_024), (120, 1_007, 1_027)], LEDGER)
    (account,) = insurance_accounts(record)
    assert (account.fees_atoms, account.taken_over_atoms, account.closed_atoms) == (59, -35, 5)
    assert (account.others, account.unexplained_atoms) == ({"trading_fee": -2}, 0)
    assert "NOT EXPLAINED" not in str(insurance(record))


def test_a_row_that_the_ledger_lacks_is_said(tmp_path: Path) -> None:
    record = record_of(tmp_path, [(0, 1_000, 1_000), (120, 1_007, 1_027)], LEDGER[:-1])
    assert insurance_accounts(record)[0].unexplained_atoms == -2
    assert "NOT EXPLAINED" in str(insurance(record))


def test_the_funds_of_a_crash_reconcile_from_its_tables(tmp_path: Path) -> None:
    run = run_scenario("scenarios/crash.yaml", out=str(tmp_path), report=False)
    record = RunRecord.open(Path(run.path))
    (account,) = insurance_accounts(record)
    liquidations = run.table("liquidations")
    assert account.unexplained_atoms == 0
    assert account.fees_atoms == liquidations["fee_atoms"].sum() > 0
    assert account.taken_over_atoms == liquidations["insurance_atoms"].sum() < 0
    lines = account.fees_atoms + account.taken_over_atoms + account.closed_atoms + sum(account.others.values())
    assert account.opening_atoms + lines == account.closing_atoms
