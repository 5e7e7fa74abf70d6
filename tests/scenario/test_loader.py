"""Reading YAML 1.2: what scalars mean, where things stand, what is not part of the language."""

import os
from decimal import Decimal
from pathlib import Path

import pytest

from marketsim import scenario
from marketsim.errors import ScenarioError
from marketsim.scenario.loader import read_text
from marketsim.scenario.nodes import Problems, plain
from tests.scenario.worlds import HEAD, WORLD, load, messages


def value(text: str) -> object:
    problems = Problems()
    node = read_text(f"value: {text}\n", "text.yaml", problems)
    assert not problems.found
    return plain(node)["value"]


@pytest.mark.parametrize(
    "text", ["yes", "no", "on", "off", "Yes", "y", "00:02", "1:30", "2024-01-01", "1_000", "0o7", ".inf"]
)
def test_what_older_yaml_turned_into_something_else_is_text(text: str) -> None:
    assert value(text) == text


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-3", -3),
        ("007", 7),
        ("1.10", Decimal("1.10")),
        ("1e3", Decimal(1000)),
        (".5", Decimal("0.5")),
        ('"12"', "12"),
        ("'true'", "true"),
        ("a: b".replace(": ", ":"), "a:b"),
        ("5 bps # a comment", "5 bps"),
        ('"00:02"  # a comment', "00:02"),
        ("[1, two, 3.5]", [1, "two", Decimal("3.5")]),
    ],
)
def test_scalars_follow_the_core_schema_of_yaml_1_2(text: str, read: object) -> None:
    found = value(text)
    assert found == read
    assert type(found) is type(read)


def test_a_decimal_keeps_its_digits() -> None:
    assert value("0.1") == Decimal("0.1")
    assert str(value("123456789012345.123456789")) == "123456789012345.123456789"


def test_an_exponent_that_would_fill_memory_is_text() -> None:
    assert value("1e999999999") == "1e999999999"


def test_every_problem_is_reported_sorted_by_line() -> None:
    text = HEAD.replace("1d", "1") + "seed: x\nrecord: {trades: some}\nnames: []\n"
    found = messages(text)
    lines = [int(message.split(":")[1]) for message in found]
    assert len(found) == 4
    assert lines == sorted(lines)


def test_a_problem_says_where_what_was_there_what_is_allowed_and_what_was_perhaps_meant() -> None:
    with pytest.raises(ScenarioError) as refused:
        load(WORLD.replace("gbm", "gmb"))
    (problem,) = refused.value.problems
    assert (problem.line, problem.column, problem.path) == (5, 29, "underlyings.BTC.index.kind")
    assert (problem.text, problem.suggestion) == ("gmb", "gbm")
    kinds = "ar1, book, constant, file, gbm, heston, jump_diffusion, latent, log_ou_vol, ou, path, regime"
    assert problem.allowed == kinds
    assert str(problem) == (
        "text.yaml:5:29: underlyings.BTC.index.kind: this is none of the words allowed here; was 'gmb'; "
        f"allowed: {kinds}; did you mean 'gbm'?"
    )


def test_a_repeated_thing_may_be_an_anchor_and_stands_where_it_was_written() -> None:
    text = WORLD.replace('rebalance: {policy: daily, at: "00:02"}', "rebalance: &r {policy: daily, at: 25:00}")
    assert messages(text)[0].startswith("text.yaml:10:115: tokens.UP.rebalance.at:")


def test_a_file_that_is_not_there_is_a_problem_not_a_traceback(tmp_path: Path) -> None:
    (problem,) = scenario.validate(tmp_path / "none.yaml")
    assert problem.message == "there is no such file"


def test_what_is_no_regular_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "loop.yaml").symlink_to(tmp_path / "loop.yaml")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "long.yaml").write_bytes(b"#" * 2_000_001)
    words = {
        "pipe.yaml": "this is not a regular file",
        "loop.yaml": "these links lead in a circle",
        "folder.yaml": "this is a folder",
        "long.yaml": "the file is too long: 2,000,001 bytes",
        "n" * 300 + ".yaml": "the path is too long",
        "nul\0.yaml": "this is no path: it holds characters that no path may hold",
        "half\ud800.yaml": "this is no path: it holds characters that no path may hold",
    }
    for name, message in words.items():
        (problem,) = scenario.validate(tmp_path / name)
        assert problem.message == message, name
    (problem,) = scenario.validate("/dev/zero")
    assert problem.message == "this is not a regular file"


def test_too_many_values_are_refused_before_they_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "many.yaml"
    path.write_text("a: [" + "1, " * 300_000 + "]")
    (problem,) = scenario.validate(path)
    assert problem.message == "there are too many values in this file"


def test_a_file_that_is_not_text_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"schema: marketsim/1\ntitle: caf\xe9\n")
    (problem,) = scenario.validate(path)
    assert (problem.line, problem.message) == (2, "the file is not UTF-8 text")


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "windows.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + WORLD.replace("\n", "\r\n").encode())
    assert scenario.validate(path) == []


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "42\n", "just text\n"])
def test_what_is_no_map_is_refused(text: str) -> None:
    assert "a scenario is a map of keys" in messages(text)[0]


@pytest.mark.parametrize(
    "text", ["a: [1, 2\n", "a: b: c\n", "\ta: 1\n", "a: 'open\n", "a: \x00\n", "%FOO\n", "a: &x\nb: *y z\n"]
)
def test_text_that_is_no_yaml_is_refused_with_a_place(text: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        load(text)
    assert refused.value.problems[0].line >= 1
