"""The insurance fund from the first to the last snapshot, in parts that add up to the atom.

What it gained = liquidation fees + what the accounts it took over were worth at the mark (column `insurance_atoms` of
table `liquidations`) + what it made of their positions until they were closed + every other entry of the ledger. The
third is the ledger's entries `insurance` and `trade` and the change of what its positions are worth, less the second
(docs/venues.md#insurance-funds).
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from marketsim.report import markup, numbers
from marketsim.report.markup import Heading, Markup, words
from marketsim.report.record import RunRecord

FUND = "insurance"
_TRADED = ("insurance", "trade")


@dataclass(frozen=True, slots=True)
class InsuranceAccount:
    """One currency's funds together [atoms]: equity first and last, and what came in by entry of the ledger.

    positions_atoms: by how much the worth of their positions grew. taken_over_atoms: worth at the mark of what they
    took over.
    """

    asset: str
    opening_atoms: int
    closing_atoms: int
    positions_atoms: int
    taken_over_atoms: int
    entries: dict[str, int]

    @property
    def fees_atoms(self) -> int:
        """Liquidation fees received."""
        return self.entries.get("liquidation_fee", 0)

    @property
    def others(self) -> dict[str, int]:
        """Entries of the ledger that are neither fees nor what positions cost and brought."""
        return {entry: atoms for entry, atoms in self.entries.items() if entry not in (*_TRADED, "liquidation_fee")}

    @property
    def closed_atoms(self) -> int:
        """What it made of what it took over, after the takeover."""
        return sum(self.entries.get(entry, 0) for entry in _TRADED) + self.positions_atoms - self.taken_over_atoms

    @property
    def unexplained_atoms(self) -> int:
        """What no row of the ledger explains: nothing."""
        return self.closing_atoms - self.opening_atoms - self.positions_atoms - sum(self.entries.values())


def insurance_accounts(record: RunRecord) -> list[InsuranceAccount]:
    """The insurance funds by currency; none where snapshots or the ledger were not recorded."""
    cohorts, ledger = record.table("cohorts"), record.table("ledger")
    if cohorts is None or ledger is None:
        return []
    own = cohorts.filter(pl.col("cohort") == FUND).sort("t_ns")
    flows = ledger.filter(pl.col("t_ns") > own["t_ns"].min()) if not own.is_empty() else ledger.clear()
    return [
        InsuranceAccount(
            asset,
            int(rows["equity_atoms"][0]),
            int(rows["equity_atoms"][-1]),
            _grown(rows["equity_atoms"] - rows["cash_atoms"]),
            _taken_over(record, asset),
            _entries(flows.filter(pl.col("asset") == asset)),
        )
        for (asset,), rows in own.group_by(["asset"], maintain_order=True)
    ]


def _grown(worth: pl.Series) -> int:
    return int(worth[-1]) - int(worth[0])


def _entries(flows: pl.DataFrame) -> dict[str, int]:
    """What came in, less what went out, by entry."""
    came = flows.filter(pl.col("to_cohort") == FUND).select("entry", "atoms")
    went = flows.filter(pl.col("from_cohort") == FUND).select("entry", -pl.col("atoms"))
    sums = pl.concat([came, went]).group_by("entry").agg(pl.col("atoms").sum()).sort("entry")
    return {entry: int(atoms) for entry, atoms in sums.iter_rows() if atoms}


def _taken_over(record: RunRecord, asset: str) -> int:
    frame = record.table("liquidations", "market", "insurance_atoms")
    if frame is None:
        return 0
    return sum(int(atoms) for market, atoms in frame.iter_rows() if record.of(market).asset == asset)


def insurance(record: RunRecord) -> Markup:
    """What each insurance fund gained or lost, and by what; the lines add up."""
    title = markup.heading("Insurance fund")
    accounts = insurance_accounts(record)
    if not accounts:
        return markup.join([title, markup.empty("Snapshots of cohorts or the ledger were not recorded.")])
    return markup.join([title, *(_statement(account) for account in accounts)])


def _statement(account: InsuranceAccount) -> Markup:
    lines = [
        ("at the first snapshot", account.opening_atoms),
        ("liquidation fees", account.fees_atoms),
        ("taken over: worth at the mark", account.taken_over_atoms),
        ("what it took over, until closed", account.closed_atoms),
        *((entry.replace("_", " "), atoms) for entry, atoms in account.others.items()),
    ]
    if account.unexplained_atoms:
        lines.append(("NOT EXPLAINED by the ledger", account.unexplained_atoms))
    rows = [(name, numbers.money(atoms, account.asset, sign=True), numbers.atoms(atoms)) for name, atoms in lines]
    total = (
        "at the last snapshot",
        numbers.money(account.closing_atoms, account.asset, sign=True),
        numbers.atoms(account.closing_atoms),
    )
    columns = [words(account.asset), Heading("Amount"), Heading("Atoms", "the lines add up to the last one exactly")]
    return markup.table(columns, rows, total=total)
