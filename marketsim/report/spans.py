"""What tokens and markets were doing other than trading: states of the table `events` as stretches of time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from marketsim.report import charts
from marketsim.report.charts import Span
from marketsim.report.record import RunRecord

RESTING = "TRADING"
_COLOURS = {"rebalancing": charts.SKY, "outage": charts.RED, "suspended": charts.PURPLE}
_MOST_SPANS = 400
_MOST_NAMED = 6


def spans_of(record: RunRecord, market: str) -> list[Span]:
    """The states of a market, and of tokens that trade in it; stretches of one state that overlap are one."""
    known = tokens_of(record)
    elsewhere = set[str]().union(*known.values(), record.instruments) - known.get(market, set()) - {market}
    found = [span for span in _states(record) if span.subject not in elsewhere]
    return [_named(span, subjects) for span, subjects in _merged(found)][:_MOST_SPANS]


def tokens_of(record: RunRecord) -> dict[str, set[str]]:
    """The tokens that hold positions in each market."""
    legs = record.table("token_legs", "token", "market")
    pairs = [] if legs is None else legs.unique().rows()
    made: dict[str, set[str]] = {}
    for token, market in pairs:
        made.setdefault(market, set()).add(token)
    return made


def _states(record: RunRecord) -> Iterator[Span]:
    """Every stretch of a state, one subject each."""
    frame = record.table("events", "t_ns", "event", "subject", "detail")
    since: dict[str, tuple[str, int]] = {}
    for t_ns, event, subject, detail in [] if frame is None else frame.sort("t_ns").iter_rows():
        said = as_map(detail)
        if event == "outage" and isinstance(said.get("for_ns"), int):
            yield Span("outage", subject, t_ns, t_ns + said["for_ns"], _COLOURS["outage"])
        if event == "state":
            if subject in since:
                state, began = since.pop(subject)
                yield _span(state, subject, began, t_ns)
            if said.get("to") != RESTING:
                since[subject] = str(said.get("to")), t_ns
    for subject, (state, began) in since.items():
        yield _span(state, subject, began, record.duration_ns)


def _span(state: str, subject: str, from_ns: int, until_ns: int) -> Span:
    word = state.lower()
    return Span(word, subject, from_ns, until_ns, _COLOURS.get(word, charts.GREY))


def as_map(detail: str | None) -> Mapping[str, Any]:
    """The detail of an event; empty where it is none."""
    try:
        said = json.loads(detail or "{}")
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _merged(spans: list[Span]) -> list[tuple[Span, list[str]]]:
    """Spans of one state that overlap or touch as one, with all their subjects."""
    made: list[tuple[Span, list[str]]] = []
    for span in sorted(spans, key=lambda one: (one.state, one.from_ns)):
        last, subjects = made[-1] if made else (None, [])
        if last is not None and last.state == span.state and span.from_ns <= last.until_ns:
            joined = replace(last, until_ns=max(last.until_ns, span.until_ns))
            made[-1] = joined, [*subjects, *({span.subject} - set(subjects))]
        else:
            made.append((span, [span.subject]))
    return made


def _named(span: Span, subjects: list[str]) -> Span:
    more = f" and {len(subjects) - _MOST_NAMED} more" if len(subjects) > _MOST_NAMED else ""
    return replace(span, subject=", ".join(subjects[:_MOST_NAMED]) + more)
