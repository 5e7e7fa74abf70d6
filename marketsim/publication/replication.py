"""What makes a package again: the scenario as it was given and resolved, the code, its versions, and a Makefile."""

from __future__ import annotations

import json
from pathlib import Path

from marketsim.datasets.storage import storing
from marketsim.datasets.study import Study
from marketsim.experiments.given_files import GIVEN
from marketsim.publication.environment import requirements, write_wheel
from marketsim.publication.layout import ENVIRONMENT, MAKEFILE, SCENARIO

STUDY_FILE = f"{SCENARIO}/study.yaml"
RESOLVED_FILE = f"{SCENARIO}/resolved.json"

_MAKEFILE = """\
# Everything of this package again, without network: the environment that environment/ pins has to be installed.
# `make check` compares all files with SHA256SUMS; `make all` runs every run of the study again, compares each with what
# is published, and makes the tables, the effects and the descriptors anew.
.PHONY: all check

all: check
\tmarketsim dataset reproduce .

check:
\tmarketsim dataset check .
"""


def write_replication_files(study: Study, package: Path) -> dict[str, str]:
    """Write the files, and return each one's path in the package with what it is."""
    (package / SCENARIO).mkdir(exist_ok=True)
    (package / ENVIRONMENT).mkdir(exist_ok=True)
    with storing(package):
        (package / STUDY_FILE).write_text(study_file(study), encoding="utf-8")
        (package / RESOLVED_FILE).write_text(
            json.dumps(study.scenario, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        (package / MAKEFILE).write_text(_MAKEFILE, encoding="utf-8")
        (package / ENVIRONMENT / "requirements.txt").write_text(requirements(), encoding="utf-8")
        (package / ENVIRONMENT / "versions.json").write_text(
            json.dumps(study.declared["versions"], indent=1) + "\n", encoding="utf-8"
        )
        wheel = write_wheel(package / ENVIRONMENT)
    given = _copied_as_given(study, package)
    return {
        STUDY_FILE: "the study, resolved: `marketsim sweep` makes all its runs",
        RESOLVED_FILE: "the world that the cells vary, for programs",
        MAKEFILE: "everything again",
        f"{ENVIRONMENT}/requirements.txt": "versions of all distributions that took part",
        f"{ENVIRONMENT}/versions.json": "versions as each run recorded them",
        f"{ENVIRONMENT}/{wheel.name}": "marketsim as it made the data",
        **dict.fromkeys(given, "the scenario as it was given"),
    }


def study_file(study: Study) -> str:
    """The study as one scenario file that stands alone (JSON is YAML): its world, seed and block `study`."""
    told = {**study.scenario, "study": study.declared["study"]}
    head = "# The study of this package, resolved: `marketsim sweep scenario/study.yaml` makes every run of it.\n"
    return head + json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def _copied_as_given(study: Study, package: Path) -> list[str]:
    """Copy the files the study was given in, so that paths of market data lead to them from the study's file too."""
    given, copied = study.path / GIVEN, []
    for path in sorted(given.rglob("*")) if given.is_dir() else ():
        if path.is_file():
            place = package / SCENARIO / path.relative_to(given)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(path.read_bytes())
            copied.append(place.relative_to(package).as_posix())
    return copied
