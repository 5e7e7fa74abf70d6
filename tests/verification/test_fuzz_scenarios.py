"""A mutation fuzzer: whatever becomes of a shipped scenario's text, it is valid or refused with its problems.

MARKETSIM_FUZZ_EXAMPLES sets the number of mutants, MARKETSIM_FUZZ_SEED repeats a run; the seed is printed.
"""

from __future__ import annotations

import os
import random
import secrets
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from marketsim.files import shipped_folder
from marketsim.scenario import validate

EXAMPLES = int(os.environ.get("MARKETSIM_FUZZ_EXAMPLES", "5000"))
SEED = int(os.environ.get("MARKETSIM_FUZZ_SEED", "0")) or secrets.randbelow(2**31) + 1
SOURCES = sorted(path for path in shipped_folder().rglob("*.yaml") if path.stat().st_size < 20_000)
"""Files of the catalogue that are quick to read."""

VALUES = [
    *("0", "-1", "1e30", "9" * 30, "-" + "9" * 40, "0.1", ".inf", ".nan", "true", "null", "~", "none", "", "'", '"'),
    *(
        "[]",
        "{}",
        "{a: b}",
        "[[]]",
        "&a x",
        "*a",
        "!!int 3",
        "<<",
        "- -",
        "|",
        "? x",
        "%YAML 1.3",
        "\t",
        "\0",
        "\ufeff",
    ),
    *("0s", "-1s", "9999999999d", "1ns", "0 USDT", "1e-9 USDT", "9999999999 GUSDT", "-50%", "1e9%", "100%", "0/h"),
    *(
        "9999999999/s",
        "24:00",
        "2024-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "n" * 300,
        "../../x",
        "é\u202e\U0001f600",
    ),
    *("{lognormal: {median: 1, sigma: 99}}", "{uniform: [9, 1]}", "{choice: {}}", "{exponential: -1}", "BTC", "all"),
]


def _tokens(line: str) -> list[str]:
    """A line cut where its keys and values meet."""
    parts, word = [], ""
    for sign in line:
        if sign in ":,{}[]":
            parts += [word, sign]
            word = ""
        else:
            word += sign
    return [*parts, word]


def mutant(text: str, draw: random.Random) -> bytes:
    """A text with one to four changes: of a key or value, of lines, of its structure, of its bytes."""
    for _ in range(draw.randint(1, 4)):
        lines = text.split("\n")
        at = draw.randrange(len(lines))
        how = draw.randrange(7)
        if how <= 2:
            tokens = _tokens(lines[at])
            tokens[draw.randrange(len(tokens))] = " " + draw.choice(VALUES)
            lines[at] = "".join(tokens)
        elif how == 3:
            lines.insert(draw.randrange(len(lines)), lines[at])
        elif how == 4:
            del lines[at]
        elif how == 5:
            lines[at] = " " * draw.randint(0, 6) + lines[at].lstrip()
        else:
            other = draw.randrange(len(lines))
            theirs, ours = _tokens(lines[other]), _tokens(lines[at])
            ours[draw.randrange(len(ours))] = draw.choice(theirs)
            lines[at] = "".join(ours)
        text = "\n".join(lines)
    raw = bytearray(text.encode("utf-8", "surrogatepass"))
    if raw and draw.random() < 0.15:
        raw[draw.randrange(len(raw))] = draw.randrange(256)
    return bytes(raw)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sys.stdout.write(f"MARKETSIM_FUZZ_SEED={SEED} MARKETSIM_FUZZ_EXAMPLES={EXAMPLES}\n")
    return tmp_path_factory.mktemp("scenarios")


@seed(SEED)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(source=st.sampled_from(SOURCES), draw=st.randoms(use_true_random=True))
def test_a_mutant_is_valid_or_refused_with_its_problems(place: Path, source: Path, draw: random.Random) -> None:
    path = place / "mutant.yaml"
    path.write_bytes(mutant(source.read_text(encoding="utf-8"), draw))
    try:
        problems = validate(path)
    except Exception as error:
        error.add_note(f"{source.name}, mutated:\n{path.read_bytes()!r}")
        raise
    assert not any("Node(" in str(problem) for problem in problems)
