"""What the record says of the study, read from its folder and its runs' manifests."""

from __future__ import annotations

from typing import Any

import marketsim.scenario as scenarios
from marketsim import units
from marketsim.datasets.registration import runs_not_later
from marketsim.errors import ResultError
from marketsim.publication.base_world import base_of, changes
from marketsim.publication.record import StudyRecord
from marketsim.publication.sources import StudySources


def _in_words(sources: StudySources) -> str:
    """The world's sentences, without those on the study: its design is told beside them."""
    world = {key: value for key, value in sources.study.scenario.items() if key != "study"}
    return scenarios.opened(world).sentences()


def study_record(sources: StudySources) -> StudyRecord:
    """The study's question, world, design, code, and what its runs took."""
    declared, scenario, spec = sources.study.declared, sources.study.scenario, sources.study.spec
    manifests = [run.manifest for run in sources.finished]
    walls = [float(manifest["wall_s"]) for manifest in manifests]
    base, registration = base_of(sources.study), sources.study.registration
    early = runs_not_later(registration, (str(run.path) for run in sources.finished))
    if early:
        raise ResultError(f"{early[0]} did not begin after the study was registered; this is no registered study")
    return StudyRecord(
        name=declared["name"],
        title=str(scenario.get("title") or declared["name"]),
        study_id=declared["study_id"],
        scenario_sha256=declared["scenario_sha256"],
        seed=declared["seed"],
        cells=declared["cells"],
        replications=declared["replications"],
        arms=tuple(declared["arms"]),
        axes={axis.path: axis.column.name for axis in sources.axes},
        measures=tuple(spec.measures),
        primary=spec.primary,
        references=tuple(scenario.get("references") or ()),
        start_utc=scenario["clock"]["start"],
        duration_ns=units.duration_ns(scenario["clock"]["duration"]),
        created_utc=declared["created_utc"],
        versions=declared["versions"],
        platforms=_platforms(manifests),
        runs=len(sources.rows),
        failed=sum(row["status"] == "failed" for row in sources.rows),
        collapsed=sum(each is True for each in sources.collapsed.values()),
        wall_s=round(sum(walls), 3),
        longest_run_s=max(walls, default=0.0),
        peak_rss_mb=max((float(manifest["peak_rss_mb"]) for manifest in manifests), default=0.0),
        micro_events=sum(int(manifest["counts"]["micro_events"]) for manifest in manifests),
        sentences=_in_words(sources),
        base=base[0] if base else None,
        changes=changes(base[1], scenario) if base else (),
        registration=None if registration is None else registration.as_object(),
    )


def _platforms(manifests: list[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    """Each platform that a run was made on, once."""
    found: list[dict[str, Any]] = []
    for manifest in manifests:
        if manifest["platform"] not in found:
            found.append(manifest["platform"])
    return tuple(found)
