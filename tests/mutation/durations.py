"""A plugin of pytest that writes how long each test took, set-up included, to the file `$DURATIONS`."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest

SECONDS: Counter[str] = Counter()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    SECONDS[report.nodeid] += report.duration  # type: ignore[assignment]


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workerinput"):
        return
    at = Path(os.environ["DURATIONS"])
    before = json.loads(at.read_text(encoding="utf-8")) if at.exists() else {}
    files = {test.partition("::")[0] for test in SECONDS}
    kept = {test: took for test, took in before.items() if test.partition("::")[0] not in files}
    at.write_text(json.dumps(kept | SECONDS), encoding="utf-8")
