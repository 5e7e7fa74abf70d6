"""What a notebook shows of a run and of a study: the charts of their pages one by one, and a summary.

Charts are Altair's and can be changed and combined like any other: `run.plot.price().properties(width=400)`.
"""

from __future__ import annotations

from typing import Any, TypeVar

from marketsim.datasets.run import Run
from marketsim.datasets.study import Study
from marketsim.errors import ResultError, UsageError
from marketsim.report import attribution, holding, markup, prices, rebalances, tokens, who_paid
from marketsim.report.book import book_chart
from marketsim.report.funding import funding_chart
from marketsim.report.key_figures import key_figures
from marketsim.report.liquidations import liquidations_chart, with_notional
from marketsim.report.markup import Markup
from marketsim.report.record import RunRecord
from marketsim.report.resets import largest_reset
from marketsim.report.run_header import sentence, title
from marketsim.report.study_answer import answer_of
from marketsim.report.study_crowding import multipliers_chart
from marketsim.report.study_effects import arms_chart, cells_chart, gaps_chart, told_rows
from marketsim.report.study_record import StudyRecord
from marketsim.report.study_sensitivity import by_market, indices_chart
from marketsim.report.wealth import wealth_chart

_WIDTH = 720
T = TypeVar("T")


def _shown(chart: Any | None, lacking: str) -> Any:
    """A chart as wide as a notebook's page; small multiples keep the width of their own."""
    if chart is None:
        raise ResultError(f"there is nothing to draw: {lacking}")
    return chart if hasattr(chart, "facet") and hasattr(chart, "spec") else chart.properties(width=_WIDTH)


def _one_of(given: T | None, known: list[T], what: str) -> T:
    """What was asked for, or the first there is."""
    if not known:
        raise ResultError(f"there is nothing to draw: no {what} was recorded")
    if given is not None and given not in known:
        raise UsageError(f"{what}: was {given!r}; allowed: {', '.join(map(str, known))}")
    return known[0] if given is None else given


class RunPlots:
    """The charts of a run, `run.plot`; a market, token or currency that is not named is the first.

    Each returns an Altair chart, raises `ResultError` where the run recorded nothing to draw and `UsageError` for a
    name there is not.
    """

    def __init__(self, run: Run) -> None:
        self._record = RunRecord(run, run.manifest, run.resolved)

    def _market(self, market: str | None) -> str:
        marks = self._record.table("marks", "market")
        known = [] if marks is None else marks["market"].unique(maintain_order=True).to_list()
        return str(_one_of(market, known, "market"))

    def price(self, market: str | None = None) -> Any:
        """Mid price, with rebalances as triangles and states of tokens as bands."""
        return _shown(prices.price_chart(self._record, self._market(market)), "no price was recorded")

    def deviations(self, market: str | None = None) -> Any:
        """Mid and mark against the index [bps]."""
        return _shown(prices.deviations_chart(self._record, self._market(market)), "the market has no index")

    def volume(self, market: str | None = None) -> Any:
        """Volume by purpose."""
        return _shown(prices.volume_chart(self._record, self._market(market)), "no trade was recorded")

    def leverage(self) -> Any:
        """Leverage and target of each token."""
        return _shown(tokens.leverage_chart(self._record), "no token has leverage")

    def nav(self) -> Any:
        """NAV of the tokens [% of the first]."""
        return _shown(tokens.nav_chart(self._record), "there is no token")

    def premium(self) -> Any:
        """Premium of tokens' own markets over NAV [bps]."""
        return _shown(holding.premium_chart(self._record), "no token has a market of its own")

    def waterfall(self, token: str | None = None) -> Any:
        """What made a token's NAV what it is in the end; of every token unless one is named."""
        known = tokens.largest_tokens(self._record)
        chosen = None if token is None else [_one_of(token, known, "token")]
        return _shown(attribution.nav_waterfall(self._record, chosen), "no return could be taken apart")

    def decay(self) -> Any:
        """Running sums of what log returns lost and gained besides the leveraged return."""
        return _shown(holding.decay_chart(self._record), "there is no token")

    def slippage(self) -> Any:
        """Slippage of rebalances against participation."""
        rows = rebalances.rebalances_of(self._record)
        return _shown(rebalances.slippage_chart(self._record, rows), "no rebalance was filled in a book")

    def book(self) -> Any:
        """The book around the largest reset."""
        reset = largest_reset(self._record)
        chart = None if reset is None else book_chart(self._record, reset)
        return _shown(chart, "no reset, or the depth of its market was not recorded before it")

    def funding(self, market: str | None = None) -> Any:
        """Funding rate of each settlement [bps]."""
        frame = self._record.table("funding")
        known = [] if frame is None else frame["market"].unique(maintain_order=True).to_list()
        chosen = _one_of(market, known, "settlement")
        assert frame is not None
        return _shown(funding_chart(self._record, frame.filter(market=chosen).sort("t_ns")), "")

    def liquidations(self) -> Any:
        """Liquidations over time by cohort."""
        frame = self._record.table("liquidations")
        chart = None if frame is None else liquidations_chart(self._record, with_notional(self._record, frame))
        return _shown(chart, "nobody was liquidated")

    def wealth(self, asset: str | None = None) -> Any:
        """Change of cohorts' equity since the start."""
        frame = self._record.table("cohorts")
        known = [] if frame is None else frame["asset"].unique(maintain_order=True).to_list()
        chosen = _one_of(asset, known, "currency")
        assert frame is not None
        own = frame.filter(asset=chosen).sort("t_ns")
        return _shown(wealth_chart(self._record, chosen, own), "no equity changed")

    def payments(self, asset: str | None = None) -> Any:
        """Who paid whom, net."""
        paid = who_paid.payments(self._record)
        chosen = _one_of(asset, paid["asset"].unique(maintain_order=True).to_list(), "payment")
        return _shown(who_paid.payments_chart(chosen, paid.filter(asset=chosen)), "")


class StudyPlots:
    """The charts of a study, `study.plot`; raises `ResultError` where there is nothing to draw yet."""

    def __init__(self, study: Study) -> None:
        self._record = StudyRecord(study)

    def effects(self, measure: str | None = None) -> Any:
        """A measure of the arms with intervals, over the cells where there are several; the registered outcome first.

        Raises `UsageError` for a measure the study has not.
        """
        record = self._record
        names = [] if record.effects is None else record.effects["measure"].unique(maintain_order=True).to_list()
        first = record.study.spec.primary
        known = [first, *(name for name in names if name != first)] if first in names else names
        name = _one_of(measure, [str(one) for one in known], "measure")
        rows = told_rows(record, name)
        chart = arms_chart(name, rows) if record.design.height == 1 else cells_chart(record, name, rows)
        return _shown(chart, f"{name} has no estimate")

    def impact(self, cell: int | None = None) -> Any:
        """What resets pushed the market by, against the time after their last fill."""
        chosen = _one_of(cell, [int(one) for one in self._record.design["cell"]], "cell")
        return _shown(gaps_chart(self._record, chosen), "impact_gap was not measured")

    def crowding(self) -> Any:
        """Measured multipliers against the crowding number, at the first horizon that has any."""
        return _shown(multipliers_chart(self._record), "no multiplier was measured")

    def sensitivity(self) -> Any:
        """Which of the varied values matter, in the first market."""
        found = self._record.sensitivity
        told = [rows for rows in by_market(found) if rows[0]["note"] is None] if found is not None else []
        return _shown(indices_chart(told[0]) if told else None, "the study has no indices")


def run_summary(run: Run) -> str:
    """HTML of a run for a notebook: its question, what happened, its key figures; no script."""
    record = RunRecord(run, run.manifest, run.resolved)
    rows = [(name, value, below) for name, value, below in key_figures(record)]
    return _summary(title(record), [sentence(record)], rows, str(run.path))


def study_summary(study: Study) -> str:
    """HTML of a study for a notebook: its question, its answer, how many of its runs are done; no script."""
    record = StudyRecord(study)
    counts = dict(record.runs["status"].value_counts().iter_rows())
    rows = [(f"runs {status}", number, "") for status, number in sorted(counts.items())]
    return _summary(record.title, list(answer_of(record).sentences), rows, str(study.path))


def _summary(name: str, sentences: list[str], rows: list[tuple[str, object, str]], path: str) -> str:
    lines = markup.join(
        Markup(f"<tr><th>{markup.text(what)}</th><td>{markup.text(value)}</td><td>{markup.text(below)}</td></tr>")
        for what, value, below in rows
    )
    told = markup.join(markup.paragraph(each) for each in sentences)
    heading = Markup(f"<strong>{markup.text(name)}</strong>")
    where = Markup(f"<code>{markup.text(path)}</code>")
    return str(
        markup.join([Markup("<div>"), heading, told, Markup(f"<table>{lines}</table>"), where, Markup("</div>")])
    )
