"""The page of a study: its question, its arms and their effects, crowding, holdings, and what failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marketsim.datasets.registration import runs_not_later
from marketsim.datasets.study import Study
from marketsim.report import markup, numbers
from marketsim.report.claim import claim_paragraph
from marketsim.report.markup import Heading, Markup, prose, words
from marketsim.report.page import HOW_TO_READ, document
from marketsim.report.study_answer import answer
from marketsim.report.study_crowding import crowding
from marketsim.report.study_effects import effects, primary
from marketsim.report.study_holding import holding
from marketsim.report.study_hypotheses import hypotheses
from marketsim.report.study_record import StudyRecord
from marketsim.report.study_registered import clocks, headlines
from marketsim.report.study_runs import cells, failures, provenance, shares
from marketsim.report.study_sensitivity import sensitivity
from marketsim.scenario.study.arm import ArmSpec

STUDY_SECTIONS = {
    "primary": "Answer", "hypotheses": "Registered hypotheses", "clocks": "A game of clocks",
    "headlines": "Where the world is another", "sensitivity": "Sensitivity", "effects": "Other measures",
    "crowding": "Crowding", "holding": "Token against perpetual", "arms": "Arms", "cells": "Cells",
    "shares": "Failed and collapsed", "failures": "Failed runs", "provenance": "Provenance",
}  # fmt: skip

ARMS = {
    "factual": "the world as declared",
    "frictionless": "the funds' orders fill at the mark, outside the book",
    "shadow": "rebalances are recorded, not traded",
    "off": "without the issuer, its token markets, and traders who trade only there",
    "blind": "orders are sent without anybody being informed of them",
    "phantom": "orders are announced but not sent",
    "placebo_time": "the same orders at another time of the day",
    "placebo_sign": "the same orders with a random sign",
    "contrarian": "the same orders with the opposite sign",
}


def render_study(study: Study) -> str:
    """The whole report of a study as one self-contained HTML page."""
    record = StudyRecord(study)
    parts = (
        primary, hypotheses, clocks, headlines, sensitivity, effects, crowding, holding, arms, cells, shares, failures,
        provenance,
    )  # fmt: skip
    made = {anchor: part(record) for anchor, part in zip(STUDY_SECTIONS, parts, strict=True)}
    first = "primary" if record.study.spec.sensitivity is None else "sensitivity"
    shown = {anchor: made[anchor] for anchor in dict.fromkeys([first, *made]) if made[anchor]}
    return document(record.title, markup.join([study_header(record, list(shown)), *shown.values()]))


def study_header(record: StudyRecord, shown: Sequence[str]) -> Markup:
    """The header of a study's page: heading, identity, what is missing or failed, and the contents."""
    declared, spec = record.study.declared, record.study.spec
    layout, asked = spec.layout, spec.sensitivity
    design = layout.kind if layout.points is None else f"{layout.kind}, {layout.points} points"
    if asked is not None:
        things = "base points" if asked.method == "sobol" else "trajectories"
        design = f"sensitivity by {asked.method}, {asked.samples} {things}"
    identity = [
        ("Study", f"{declared['name']} {declared['study_id']}"),
        *([("Design", design), ("Cells", declared["cells"])] if record.paths else []),
        ("Replications", declared["replications"]), ("Arms", len(spec.arms)),
        ("Runs", numbers.count(record.runs.height)), ("Seed", declared["seed"]),
        ("Code", declared["versions"]["marketsim"]),
    ]  # fmt: skip
    links = markup.join(Markup(f'<a href="#{anchor}">{markup.text(STUDY_SECTIONS[anchor])}</a>') for anchor in shown)
    return markup.join(
        [
            Markup(f"<header>\n<h1>{markup.text(record.title)}</h1>\n"),
            _alarm(record),
            _registered(record),
            claim_paragraph(record.study) if record.study.scenario.get("claim") else answer(record),
            markup.facts(identity),
            Markup(f'<nav aria-label="Contents">{links}</nav>\n{HOW_TO_READ}</header>\n'),
        ]
    )


def _alarm(record: StudyRecord) -> Markup:
    """That some runs failed or are missing, and how many; nothing where all are done."""
    counts = dict(record.runs["status"].value_counts().iter_rows())
    done, failed, missing = (counts.get(status, 0) for status in ("ok", "failed", "planned"))
    if not failed and not missing:
        return Markup("")
    told = f"{numbers.count(done)} of {numbers.count(record.runs.height)} runs are done"
    lacking = [f"{numbers.count(failed)} failed"] if failed else []
    lacking += [f"{numbers.count(missing)} planned and not run yet"] if missing else []
    return markup.paragraph(
        Markup("<strong>This study is incomplete.</strong> "), f"{told}, {', '.join(lacking)}.", kind="alarm"
    )


def _registered(record: StudyRecord) -> Markup:
    """By what a study was registered and when, or that runs came first; nothing for a study that was not."""
    registration = record.study.registration
    if registration is None:
        return Markup("")
    early = runs_not_later(registration, record.runs.filter(status="ok")["path"].to_list())
    if early:
        told = (
            f"{numbers.count(len(early))} runs did not begin after its registration at {registration.registered_utc}."
        )
        return markup.paragraph(Markup("<strong>This is no registered study.</strong> "), told, kind="alarm")
    told = f"Registered in {registration.path} at {registration.registered_utc}, before its first run."
    return markup.paragraph(told, kind="note")


def arms(record: StudyRecord) -> Markup:
    """Each arm and what it changes; the one that others are compared with is named."""
    spec = record.study.spec
    rows = [[arm.id, arm.arm, _changes(arm), _limits(arm)] for arm in spec.arms]
    columns = [words("Arm"), words("Kind"), prose("What it changes"), prose("Limits and settings")]
    shared = "Arms and cells of one replication have common random numbers: index, wake-ups, capital, listed events."
    pieces = [
        markup.paragraph(f"{shared} Arms are compared with {spec.baseline_arm}."), markup.table(columns, rows),
        _forks(record),
    ]  # fmt: skip
    return markup.section("arms", "Arms", *pieces)


def _forks(record: StudyRecord) -> Markup:
    fork, positions = record.study.spec.fork, record.study.spec.compare_holding
    told = markup.paragraph("Every arm runs from the start.", kind="note")
    if fork is not None:
        at = "rebalance" if fork.at == "rebalances" else "listed instant"
        sentence = f"Arms are forked from the factual run before each {at}, for {numbers.duration(fork.horizon)}."
        told = markup.paragraph(sentence)
    columns = [words("Compared with"), Heading("Leverage"), Heading("Stop"), words("Match")]
    rows = [(each.kind, str(each.leverage), numbers.percent(_float(each.stop_loss)), each.match) for each in positions]
    return markup.join([told, markup.table(columns, rows)]) if positions else told


def _changes(arm: ArmSpec) -> str:
    """What an arm makes of the world, in words."""
    return f"{ARMS[arm.arm]}, with these settings" if arm.set else ARMS[arm.arm]


def _float(value: Any) -> float | None:
    return None if value is None else float(value)


def _limits(arm: ArmSpec) -> str:
    told = [f"only {', '.join(arm.only)}"] if arm.only is not None else []
    told += [f"scope {', '.join(arm.scope)}"] if arm.arm == "frictionless" else []
    return "; ".join([*told, *(f"{path} = {value}" for path, value in arm.set.items())]) or numbers.ABSENT
