"""Claim `liquidation`: leveraged tokens are designed to minimise liquidation risk."""

from __future__ import annotations

import polars as pl

from marketsim.analysis.claims.family import CLAIMS, Evaluation, Outcome, StudyClaim, undecided
from marketsim.analysis.claims.path_shares import share_of_paths
from marketsim.datasets.run import Run
from marketsim.datasets.study import Study

_NEARLY_ALL = 0.10
"""Who has less than this of his cash left has lost nearly all."""
_HALF = 0.5


@CLAIMS.register
class LiquidationClaim(StudyClaim):
    """Is a token lost on fewer paths than a perpetual held at its leverage, and what is left where that one is?"""

    name = "liquidation"

    def judge(self, study: Study) -> Evaluation:
        """By path: whether any holder was liquidated, with positions of the same capital and no stop, or lost the fund.

        A fund counts if its account was liquidated or it was wiped. Conditional where liquidations are fewer, yet where
        the perpetual is liquidated the token keeps less than half in the median: then the end is avoided by selling on
        the way down. Undecided where the intervals overlap.
        """
        held = _holdings(study)
        if held.is_empty():
            return undecided("no token is compared with a position of the same capital and without a stop")
        left = held.filter(pl.col("perp_ended"))["kept"].median()
        paths = held.group_by("cell", "replication").agg(
            pl.col("perp_ended", "token_ended").any(), (pl.col("kept", "perp_kept") < _NEARLY_ALL).any()
        )
        perp, token, ruined, perp_ruined = (
            share_of_paths(paths[name]) for name in ("perp_ended", "token_ended", "kept", "perp_kept")
        )
        if not isinstance(left, float):
            return undecided(f"the perpetual was liquidated on none of {perp.paths} paths")
        figures = {
            **perp.figures("perp_liquidated"), **token.figures("token_ended"), **ruined.figures("token_ruined"),
            **perp_ruined.figures("perp_ruined"), "token_kept_where_perp_liquidated": left,
        }  # fmt: skip
        fewer, more = token.ends[1] < perp.ends[0], token.ends[0] > perp.ends[1]
        outcome: Outcome = "undecided" if not fewer and not more else "refuted" if more else "conditional"
        if fewer and left >= _HALF:
            outcome = "confirmed"
        sentence = (
            f"{'Holds' if fewer else 'Does not hold' if more else 'Cannot be told'} for liquidation itself: of "
            f"{perp.paths} paths a perpetual was liquidated on {perp}, a token lost with its fund on {token}. It is no "
            f"protection from the fall: where the perpetual was liquidated the token kept {left:.0%} of the cash in "
            f"the median, having sold on the way down; a token's holder lost nine tenths or more on {ruined} of paths, "
            f"a perpetual's on {perp_ruined}."
        )
        return Evaluation(outcome, sentence, figures)


def _holdings(study: Study) -> pl.DataFrame:
    """Shares of the cash that token and perpetual kept, and whether they ended before the run did; maybe no row."""
    if not (study.path / "holding.parquet").is_file():
        return pl.DataFrame()
    rows = study.read("holding.parquet")
    if rows.is_empty():
        return rows
    rows = rows.filter(pl.col("stop_loss").is_null(), match="capital")
    ended = _ended_funds(study)
    keys = rows.select("cell", "replication", "token").rows()
    return rows.with_columns(
        kept=pl.col("token_wealth_atoms") / pl.col("cash_in_atoms"),
        perp_kept=pl.col("perp_wealth_atoms") / pl.col("cash_in_atoms"),
        perp_ended=pl.col("perp_liquidated_ns").is_not_null(),
        token_ended=pl.Series([key in ended for key in keys], dtype=pl.Boolean),
    )


def _ended_funds(study: Study) -> set[tuple[int, int, str]]:
    """Cell, replication and token of every fund whose account was liquidated, or which was wiped."""
    arm = next(arm.id for arm in study.spec.arms if not arm.is_intervention)
    done = study.runs().filter(arm=arm, status="ok").select("cell", "replication", "path")
    found = set()
    for cell, replication, path in done.iter_rows():
        run = Run(path)
        taken = run.table("liquidations").filter(pl.col("is_fund"))["cohort"].to_list()
        wiped = run.table("events").filter(event="wiped")["subject"].to_list()
        found |= {(cell, replication, token) for token in {*taken, *wiped}}
    return found
