"""What the run does not model, and its provenance: versions, machine, hashes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marketsim.issuers.algorithms.family import EXECUTIONS
from marketsim.report import markup, numbers
from marketsim.report.markup import Heading, Markup, words
from marketsim.report.record import RunRecord
from marketsim.units import rate

_ALWAYS = (
    "One run is one draw of random numbers: no figure here has an interval. A difference between two runs is an effect"
    " only where they have common random numbers, as the arms of a study do.",
    "Sizes depend on the scenario's traders. Without outside estimates of liquidity and of tokens' assets, nothing here"
    " says how large an effect is in a real market.",
    "Arbitrage with other venues, an issuer's discretion and trader kinds that the scenario does not list are not"
    " modelled.",
    "The other side of opening positions and of off-book fills is the ledger cohort outside, which always trades at the"
    " mark and has no margin.",
)


def limits(record: RunRecord) -> Markup:
    """What is not modelled: what holds for every run, then what this scenario leaves out."""
    points = [*_ALWAYS, *_left_out(record)]
    items = markup.join(Markup(f"<li>{markup.text(point)}</li>\n") for point in points)
    return markup.section("limits", "What is not modelled", Markup(f"<ul>{items}</ul>\n"))


def _left_out(record: RunRecord) -> list[str]:
    world, points = record.resolved, []
    tokens = [one for one in world.get("tokens") or [] if isinstance(one, Mapping)]
    if tokens and all(_kind(one.get("primary"), "mode") == "none" for one in tokens):
        points.append("Nobody creates or redeems tokens: no primary market is declared, so supply never changes.")
    if tokens and not any(one.get("market") for one in tokens):
        points.append("Tokens have no market of their own here, so there is no premium or discount to NAV.")
    outside = {word for word, execution in EXECUTIONS.kinds.items() if not execution.is_in_book}
    off_book = [str(one.get("id")) for one in tokens if _kind(one.get("execution"), "algorithm") in outside]
    if off_book:
        points.append(f"These tokens rebalance off the book, so their orders move no price: {', '.join(off_book)}.")
    if tokens and all(_kind(one.get("account"), "tiers") == "none" for one in tokens):
        points.append("Issuers trade without margin tiers at the venue: the size of their positions is not limited.")
    fixed = [str(one.get("id")) for one in world.get("underlyings") or [] if _is_fixed(one)]
    if fixed:
        points.append(
            f"The index does not respond to its market (pass_through is 0): {', '.join(fixed)}; no impact is permanent."
        )
    if not world.get("networks"):
        points.append("Traders are not linked: no network of influence or of exposure is declared.")
    crowding = record.manifest.get("crowding") or {}
    if not crowding or any(_kind(one, "method") == "none" for one in crowding.values()):
        points.append("The crowding number was not estimated.")
    return points


def _kind(part: Any, key: str) -> str:
    if part is None:
        return "none"
    return str(part.get(key) or "none") if isinstance(part, Mapping) else str(part)


def _is_fixed(underlying: Any) -> bool:
    """Whether an index does not respond to its market."""
    index = underlying.get("index") if isinstance(underlying, Mapping) else None
    share = index.get("pass_through", "0") if isinstance(index, Mapping) else "0"
    return rate(share if isinstance(share, str) else str(share or 0)) == 0


def provenance(record: RunRecord) -> Markup:
    """What is needed to reproduce this run and to check that it is the same."""
    manifest = record.manifest
    made = [
        ("Scenario", manifest.get("name")),
        ("Scenario SHA-256", manifest.get("scenario_sha256")),
        ("Run", manifest.get("run_id")),
        ("Seed", manifest.get("seed")),
        ("Replication", manifest.get("replication")),
        ("Arm", manifest.get("arm")),
        ("Status", manifest.get("status")),
        ("Schema", manifest.get("schema")),
        ("Started", manifest.get("started_utc")),
        ("Wall time", _seconds(manifest.get("wall_s"))),
        ("Compilation", _seconds(manifest.get("compile_s"))),
        ("In the kernel", _seconds(manifest.get("kernel_s"))),
        ("Peak memory", f"{numbers.plain(manifest.get('peak_rss_mb'))} MB"),
    ]
    references = record.resolved.get("references") or []
    if references:
        made.append(("References", "; ".join(str(one) for one in references)))
    return markup.section(
        "provenance", "Provenance", markup.facts((name, value) for name, value in made if value not in (None, "")),
        markup.heading("The simulation"), markup.facts(_simulation(record)),
        named("Versions", manifest.get("versions")), named("Platform", manifest.get("platform")), _tables(record),
    )  # fmt: skip


def _simulation(record: RunRecord) -> list[tuple[str, object]]:
    """What the simulator did: sizes, counts, speed, and the check of all balances."""
    manifest, counts = record.manifest, record.manifest.get("counts") or {}
    residual, speed = (manifest.get("conservation") or {}).get("residual_atoms"), manifest.get("events_per_s")
    return [
        ("Simulated time", numbers.duration(record.duration_ns)), ("Traders", numbers.count(manifest.get("traders"))),
        ("Micro events", numbers.scaled(counts.get("micro_events"))),
        ("Speed", numbers.ABSENT if speed is None else f"{numbers.scaled(speed)}/s, micro events per kernel second"),
        *((name, numbers.count(counts.get(name.lower().replace(" ", "_")))) for name in
          ("Orders", "Cancels", "Rejected orders", "Trades", "Rebalances", "Liquidations")),
        ("Residual", f"{numbers.atoms(residual)} atoms of all balances, 0 is exact"),
    ]  # fmt: skip


def _seconds(value: float | None) -> str:
    return numbers.ABSENT if value is None else f"{numbers.plain(value)} s"


def named(title: str, things: Any) -> Markup:
    """Names and values under a heading, such as versions."""
    pairs = sorted((str(name), value) for name, value in things.items()) if isinstance(things, Mapping) else []
    body = markup.facts(pairs) if pairs else markup.empty("Not recorded.")
    return markup.join([markup.heading(title), body])


def _tables(record: RunRecord) -> Markup:
    tables = record.manifest.get("tables") or {}
    title = markup.heading("Tables")
    if not tables:
        return markup.join([title, markup.empty("The manifest lists no tables.")])
    columns = [
        words("Table"), Heading("Rows"), Heading("Bytes"),
        words("Content SHA-256", "over column values, so it does not depend on how the file was written"),
    ]  # fmt: skip
    rows = [
        (name, numbers.count(one.get("rows")), numbers.scaled(one.get("bytes"), "B"),
         Markup(f"<code>{markup.text(one.get('content_sha256') or numbers.ABSENT)}</code>"))
        for name, one in sorted(tables.items())
    ]  # fmt: skip
    return markup.join([title, markup.table(columns, rows)])
