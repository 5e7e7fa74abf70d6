"""The header of a run's page: the question, what happened in one sentence, the key figures below it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import polars as pl

from marketsim.report import markup, numbers
from marketsim.report.claim import claim_paragraph
from marketsim.report.key_figures import key_figures
from marketsim.report.markup import Markup
from marketsim.report.record import RunRecord


def title(record: RunRecord) -> str:
    """The scenario's question, or its name where it asks none."""
    return str(record.resolved.get("title") or record.manifest.get("name") or "A run without a name")


def run_header(record: RunRecord, contents: Markup) -> Markup:
    """Heading, identity, summary sentence, contents and key figures; a failed run says first why it failed."""
    manifest = record.manifest
    identity = [
        ("Scenario", manifest.get("name")), ("Run", manifest.get("run_id")), ("Arm", manifest.get("arm")),
        ("Seed", manifest.get("seed")), ("Replication", manifest.get("replication")), ("Cell", manifest.get("cell")),
        ("World starts", (record.resolved.get("clock") or {}).get("start")), ("Run at", manifest.get("started_utc")),
    ]  # fmt: skip
    named = [(name, value) for name, value in identity if value not in (None, "")]
    return markup.join(
        [
            Markup(f"<header>\n<h1>{markup.text(title(record))}</h1>\n"),
            markup.facts(named),
            _alarm(manifest),
            markup.paragraph(sentence(record), kind="lead"),
            claim_paragraph(record.run) if record.resolved.get("claim") else Markup(""),
            _envelope(manifest),
            contents,
            Markup("</header>\n"),
            markup.section("figures", "Key figures", markup.tiles(key_figures(record))),
        ]
    )


def _envelope(manifest: Mapping[str, Any]) -> Markup:
    """What resets trade beside what the world was tested with, and what goes beyond that."""
    told = manifest.get("envelope") or {}
    inside, beyond = list(told.get("resets") or ()), list(told.get("beyond") or ())
    pieces = []
    if inside:
        pieces.append(markup.paragraph(f"Within what this world was tested with: {'; '.join(inside)}.", kind="note"))
    if beyond:
        words = f" This run goes beyond what its world was tested with: {'; '.join(beyond)}."
        pieces.append(markup.paragraph(Markup("<strong>Beyond the envelope.</strong>"), words, kind="alarm"))
    return markup.join(pieces)


def _alarm(manifest: Mapping[str, Any]) -> Markup:
    status, reason = str(manifest.get("status") or "unknown"), manifest.get("reason")
    if status != "failed" and not reason:
        return Markup("")
    reason = reason or "no reason was recorded"
    return markup.paragraph(
        Markup(f"<strong>This run is incomplete (status: {markup.text(status)}).</strong> "), str(reason).rstrip("."),
        ". What was recorded before is shown below.", kind="alarm",
    )  # fmt: skip


def sentence(record: RunRecord) -> str:
    """What happened, in one sentence of counts and moves."""
    manifest, counts = record.manifest, record.manifest.get("counts") or {}
    tokens = len(record.resolved.get("tokens") or [])
    who = f"{numbers.count(manifest.get('traders') or 0)} traders"
    parts = [
        f"Over {numbers.duration(record.duration_ns)} with {who}{_and_tokens(tokens)}{_index_moves(record)}",
        _rebalances(record) if tokens else "",
        _number(counts.get("liquidations"), "liquidation"),
        _closing(manifest),
    ]
    return "; ".join(part for part in parts if part) + "."


def _and_tokens(tokens: int) -> str:
    return f" and {tokens} leveraged token{'s' if tokens != 1 else ''}" if tokens else ""


def _index_moves(record: RunRecord) -> str:
    frame = record.table("marks", "t_ns", "market", "index_price")
    if frame is None:
        return ""
    ends = frame.drop_nulls().sort("t_ns").group_by("market", maintain_order=True).agg(
        pl.first("index_price").alias("first"), pl.last("index_price").alias("last")
    )  # fmt: skip
    moves = [
        f"the index of {market} {_moved(last / first - 1)}" for market, first, last in ends.head(2).rows() if first
    ]
    return (", " + ", ".join(moves)) if moves else ""


def _moved(change: float) -> str:
    if abs(change) < 5e-5:
        return "ended where it began"
    return f"{'rose' if change > 0 else 'fell'} {numbers.percent(abs(change))}"


def _rebalances(record: RunRecord) -> str:
    frame = record.table("rebalances", "market", "trigger", "filled_lots", "vwap", "status")
    done = None if frame is None else frame.filter(pl.col("status") != "shadow")
    if done is None or done.is_empty():
        return "no token rebalanced"
    triggers = ", ".join(f"{numbers.count(times)} {word}" for word, times in Counter(done["trigger"]).most_common())
    traded: dict[str, float] = {}
    for market, lots, vwap in done.select("market", "filled_lots", "vwap").rows():
        asset = record.of(market).asset
        traded[asset] = traded.get(asset, 0.0) + abs(record.of(market).notional(lots, vwap) or 0.0)
    sums = " and ".join(numbers.scaled(value, asset) for asset, value in traded.items())
    return f"{_number(done.height, 'rebalance')} ({triggers}) traded {sums}"


def _number(how_many: int | None, thing: str) -> str:
    if how_many is None:
        return ""
    return f"{'no' if how_many == 0 else numbers.count(how_many)} {thing}{'' if how_many == 1 else 's'}"


def _closing(manifest: Mapping[str, Any]) -> str:
    residual = (manifest.get("conservation") or {}).get("residual_atoms")
    if residual is None:
        return ""
    return (
        "all balances add up to the atom" if residual == 0 else f"balances are off by {numbers.atoms(residual)} atoms"
    )
