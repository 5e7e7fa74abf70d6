"""A run's identity is what sets it apart, and its manifest has exactly the keys of the public contract."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from marketsim.datasets import provenance
from marketsim.datasets.writer import TableSummary

WORLD = {
    "schema": "marketsim/1",
    "name": "a",
    "title": "A",
    "seed": 1,
    "references": [],
    "study": {"replications": 2},
    "clock": {"duration": "3d", "start": "2024-01-01T00:00:00Z"},
    "tokens": [{"id": "BTC3L", "aum": "50000000 USDT"}],
}


def manifest(**changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "name": "quick",
        "run_id": "0123456789abcdef",
        "scenario_sha256": "00",
        "seed": 1,
        "started_utc": "2024-01-01T00:00:00Z",
        "wall_s": 2.0,
        "compile_s": 0.5,
        "kernel_s": 0.5,
        "simulated_ns": 10,
        "traders": 5,
        "counts": {"micro_events": 100, "trades": 7},
        "residual_by_asset": {"USDT": 3, "USDC": -4},
        "liquidations_queued": {"BTC-PERP": 0},
        "markets": ["BTC-PERP"],
        "tables": {"trades": TableSummary(7, 1000, "ab")},
        "code": "1.0+abc",
    }
    return provenance.manifest(**{**given, **changes})


def test_the_manifest_has_the_keys_of_the_contract() -> None:
    # The public contract, sections 4 and 2d; the last line is ours.
    made = manifest()
    assert ", ".join(made) == (
        "schema, name, run_id, status, reason, scenario_sha256, seed, replication, cell, arm, versions, platform, "
        "started_utc, wall_s, compile_s, kernel_s, simulated_ns, traders, counts, events_per_s, peak_rss_mb, "
        "conservation, crowding, tables, liquidations_queued, "
        "intervention, identity_sha256, plugins, over, source_sha256"
    )
    assert ", ".join(made["counts"]) == (
        "micro_events, strategic_events, orders, cancels, rejected_orders, trades, liquidations, deleveragings, "
        "rebalances, creations, redemptions"
    )
    crowding_keys = "k_usdt k_triggered_usdt impact_per_usdt crowding_number method lo hi horizon_s".split()
    assert set(made["crowding"]["BTC-PERP"]) == set(crowding_keys)
    assert made["crowding"]["BTC-PERP"]["method"] == "none"
    assert made["tables"] == {"trades": {"rows": 7, "bytes": 1000, "content_sha256": "ab"}}
    assert (made["status"], made["reason"], made["arm"], made["replication"]) == ("ok", None, "factual", 0)
    json.dumps(made, allow_nan=False)


def test_speed_is_micro_events_over_kernel_time_and_residuals_do_not_cancel() -> None:
    made = manifest()
    assert made["events_per_s"] == 200.0
    assert made["counts"]["trades"] == 7
    assert made["counts"]["orders"] == 0
    assert made["conservation"] == {"residual_atoms": 7, "by_asset": {"USDT": 3, "USDC": -4}}
    assert manifest(kernel_s=0.0)["events_per_s"] == 0.0


def test_a_count_that_the_contract_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown counts \['fills'\]"):
        manifest(counts={"fills": 1})


def test_equal_worlds_have_one_hash_whatever_they_are_called_seeded_and_studied() -> None:
    same = dict(reversed(list(WORLD.items()))) | {
        "name": "b",
        "title": "B",
        "seed": 2,
        "references": ["C"],
        "study": {},
    }
    assert provenance.scenario_sha256(same) == provenance.scenario_sha256(WORLD)
    other = WORLD | {"clock": {"duration": "2d", "start": "2024-01-01T00:00:00Z"}}
    assert provenance.scenario_sha256(other) != provenance.scenario_sha256(WORLD)


def test_a_run_id_tells_world_seed_replication_and_arm_apart() -> None:
    ids = {
        provenance.run_id("aa", 1, 0, "factual"),
        provenance.run_id("ab", 1, 0, "factual"),
        provenance.run_id("aa", 2, 0, "factual"),
        provenance.run_id("aa", 1, 1, "factual"),
        provenance.run_id("aa", 1, 0, "off"),
    }
    assert len(ids) == 5
    assert all(len(one) == 16 and set(one) <= set("0123456789abcdef") for one in ids)
    # printf '["aa",1,0,"factual"]' | sha256sum
    assert provenance.run_id("aa", 1, 0, "factual") == "d14b3a2fcd87d5cd"


def test_canonical_json_has_one_spelling_and_no_nan() -> None:
    assert provenance.canonical_json({"b": [1, None, True], "a": "é"}) == '{"a":"é","b":[1,null,true]}'.encode()
    with pytest.raises(ValueError, match="Out of range float"):
        provenance.canonical_json(float("nan"))


def test_the_code_version_changes_with_any_source_and_with_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "kernel").mkdir()
    (tmp_path / "kernel/book.py").write_text("a = 1\n")
    before = provenance.code_version(tmp_path)
    (tmp_path / "kernel/notes.txt").write_text("nothing")
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios/quickstart.yaml").write_text("name: quickstart")  # where a wheel has them
    assert provenance.code_version(tmp_path) == before
    (tmp_path / "kernel/book.py").write_text("a = 2\n")
    changed = provenance.code_version(tmp_path)
    (tmp_path / "kernel/book.py").rename(tmp_path / "kernel/books.py")
    assert len({before, changed, provenance.code_version(tmp_path)}) == 3


def test_json_for_people_keeps_the_order_of_its_keys(tmp_path: Path) -> None:
    provenance.write_json(tmp_path / "a.json", {"b": 1, "a": [2]})
    assert (tmp_path / "a.json").read_text() == '{\n  "b": 1,\n  "a": [\n    2\n  ]\n}\n'


def test_the_platform_does_not_name_the_machine() -> None:
    import platform

    assert platform.node() not in json.dumps(provenance.platform()) or platform.node() == ""


def test_this_process_has_used_some_memory() -> None:
    assert 10 < provenance.peak_rss_mb() < 100_000
