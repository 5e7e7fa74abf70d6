"""`make mutate ROOM=issuers`: put faults into a copy of the rooms, one at a time, and tell which no test notices.

It draws SAMPLE faults by SEED, tries each by the tests that run its line (the nearest first, BUDGET seconds of them),
and keeps what came of it under `.mutation`. AGAIN=yes tries once more what survived, AMONG=".." by tests whose names
begin so. A fault that changes nothing is argued in `argued.csv`.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.mutation.measured import Measured
from tests.mutation.places import Mutant, mutants_of, mutated
from tests.mutation.trial import Trials, changed_lines

ROOT = Path(__file__).resolve().parents[2]
ARGUED = Path(__file__).parent / "argued.csv"


def main() -> None:
    given = arguments()
    os.nice(max(10 - os.nice(0), 0))
    measured = Measured(ROOT / ".mutation", given.among)
    measured.copy(ROOT)
    measured.measure(given.workers, given.keep)
    at = measured.folder / f"{given.room.replace('/', '-')}-{given.seed}-{given.sample}.json"
    known = json.loads(at.read_text(encoding="utf-8")) if at.exists() else []
    every = [one for path in files_of(measured.tree, given.room) for one in mutants_of(measured.tree / path, path)]
    drawn = again(known, every, measured) if given.again else sample(every, given.sample, given.seed)
    print(f"{given.room}: {len(drawn)} of {len(every)} faults, seed {given.seed}", flush=True)
    trials = {(row["mutant"]["path"], row["was"], row["now"]): row for row in known if given.again or given.resume}
    if given.resume:
        tried = {(row["mutant"]["path"], row["mutant"]["operator"], row["mutant"]["occurrence"]) for row in known}
        drawn = [one for one in drawn if (one.path, one.operator, one.occurrence) not in tried]
    with Trials(measured, given.budget) as court:
        for number, mutant in enumerate(drawn, 1):
            one = court.tried(mutant)
            trials[mutant.path, one.was, one.now] = one.row()
            at.write_text(json.dumps(list(trials.values()), indent=1), encoding="utf-8")
            print(f"{number}/{len(drawn)} {one.text}", flush=True)
    print(score(given.room, trials.values()))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("room", help="a room above the kernel, such as issuers, or a folder of it")
    parser.add_argument("--sample", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--budget", type=float, default=20.0, help="seconds of tests for one fault")
    parser.add_argument("--workers", default="auto", help="of the tests that are measured")
    parser.add_argument("--again", action="store_true", help="try what survived the last time once more")
    parser.add_argument("--resume", action="store_true", help="go on where the last time was ended")
    parser.add_argument("--among", nargs="*", default=(), help="tests that may be chosen, by how their names begin")
    parser.add_argument("--keep", action="store_true", help="use what was measured though sources have changed")
    given = parser.parse_args()
    if not files_of(ROOT, given.room) or given.room.partition("/")[0] == "kernel":
        parser.error(f"room: was {given.room!r}; allowed: a room of marketsim above the kernel")
    return given


def files_of(root: Path, room: str) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in (root / "marketsim" / room).rglob("*.py"))


def sample(every: list[Mutant], size: int, seed: int) -> list[Mutant]:
    """Places drawn without replacement, and one fault of each."""
    places: dict[tuple[str, tuple[int, int], str], list[Mutant]] = defaultdict(list)
    for mutant in every:
        places[mutant.path, mutant.start, mutant.operator.partition("_")[0]].append(mutant)
    luck = random.Random(seed)
    drawn = luck.sample(sorted(places), min(size, len(places)))
    return sorted((luck.choice(places[place]) for place in drawn), key=lambda one: (one.path, one.start))


def again(known: Iterable[dict[str, Any]], every: list[Mutant], measured: Measured) -> list[Mutant]:
    """What survived and is not argued, where the file still has it."""
    alive = [row for row in known if row["outcome"] != "killed"]
    kinds = {(row["mutant"]["path"], row["mutant"]["operator"]) for row in alive}
    left = {(row["mutant"]["path"], row["was"], row["now"]) for row in alive} - argued().keys()
    found = {}
    for mutant in every:
        if (mutant.path, mutant.operator) in kinds:
            source = (measured.tree / mutant.path).read_text(encoding="utf-8")
            lines = changed_lines(source, mutated(source, mutant))
            if (mutant.path, *lines) in left:
                found[mutant.path, *lines] = mutant
    for path, was, now in sorted(left - found.keys()):
        print(f"no longer there: {path}\n    - {was}\n    + {now}")
    return list(found.values())


def argued() -> dict[tuple[str, str, str], str]:
    with ARGUED.open(encoding="utf-8", newline="") as file:
        return {(row["path"], row["was"], row["now"]): row["why"] for row in csv.DictReader(file)}


def score(room: str, trials: Iterable[dict[str, Any]]) -> str:
    rows = list(trials)
    alive = [row for row in rows if row["outcome"] != "killed"]
    excused = [row for row in alive if (row["mutant"]["path"], row["was"], row["now"]) in argued()]
    killed, share = len(rows) - len(alive), (len(rows) - len(alive) + len(excused)) / max(len(rows), 1)
    return f"{room}: {len(rows)} sampled, {killed} killed, {len(excused)} argued, {share:.1%}"


if __name__ == "__main__":
    main()
