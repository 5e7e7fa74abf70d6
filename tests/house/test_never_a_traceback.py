"""A user's mistake is words and an exit code, never a traceback, and no terminal obeys what a file says."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from marketsim.cli import main
from marketsim.cli.output import print_json, printable, say

WORLD = """schema: marketsim/1
name: t
clock: {start: 2024-01-01T00:00:00Z, duration: 1h}
seed: 1
underlyings:
  - {id: BTC, index: {kind: constant, price: 30000 USDT}}
markets:
  - {id: P, kind: perpetual, underlying: BTC, tick: 0.1 USDT, lot: 0.001 BTC}
traders:
  - {id: noise, kind: noise, market: P, count: 2, rate: 30/h, capital: 20 kUSDT}
"""
LONG = "n" * 300
HUGE = "9" * 24


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "world.yaml").write_text(WORLD)
    (tmp_path / "study.yaml").write_text(WORLD + "study: {replications: 2, arms: [factual]}\n")
    (tmp_path / "loop").symlink_to("loop")
    return tmp_path


def command(*arguments: str) -> Result:
    ended = CliRunner().invoke(main, list(arguments))
    assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.exception
    assert "Traceback" not in ended.output
    assert "Node(" not in ended.output
    return ended


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("markets:", "  - {id: BTC, index: {kind: constant, price: 3 USDT}}\nmarkets:", "this id is taken"),
        ("schema", "%YAML 1.3\n---\nschema", "YAML 1.2"),
        ("id: BTC,", "id: {a: b},", "this is not an id"),
        ("id: noise,", "id: [a],", "this is not an id"),
        ("name: t", 'name: "a\\0b"', "this is not an id"),
        ("name: t", f"name: {'n' * 201}", "this id is too long: 201 characters"),
        ("name: t", 'title: "\\uD800"', "this is not YAML"),
        ("30000", HUGE, "too many digits"),
        ("seed: 1", f"seed: {HUGE}", "out of range"),
        ("count: 2", f"count: {HUGE}", "more traders than account numbers"),
        ("20 k", HUGE + " k", "64-bit"),
        ("1h}", HUGE + "d}", "out of range"),
        (
            "constant, price: 30000 USDT",
            f"path, points: [[0s, 3 USDT], [1h, {HUGE} USDT]]",
            "too many digits",
        ),
        ("name: t", f"name: t\nextends: {LONG}.yaml", "the path is too long"),
        ("constant, price: 30000 USDT", f"file, path: {LONG}.csv", "the path is too long"),
        ("{id: P, ", f"{{id: P, funding: {{tape: {{path: {LONG}.csv}}}},", "the path is too long"),
    ],
)
def test_a_wrong_scenario_is_problems_with_their_places(old: str, new: str, words: str) -> None:
    Path("wrong.yaml").write_text(WORLD.replace(old, new, 1))
    ended = command("validate", "wrong.yaml")
    assert ended.exit_code == 3
    assert words in ended.output


@pytest.mark.parametrize(
    "arguments",
    [
        ("new", LONG),
        ("run", "world.yaml", "--out", LONG),
        ("run", "world.yaml", "--out", "loop"),
        ("sweep", "study.yaml", "--out", LONG),
        ("sweep", "study.yaml", "--out", "loop"),
        ("validate", LONG + ".yaml"),
        ("report", LONG),
        ("report", "loop"),
        ("compare", LONG, LONG),
    ],
)
def test_a_path_that_cannot_be_is_wrong_usage(arguments: tuple[str, ...]) -> None:
    assert command(*arguments).exit_code == 2


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC, errno.EIO])
def test_a_folder_that_takes_nothing_is_said_by_new(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Path.open

    def refuse(self: Path, mode: str = "r", *rest: Any, **named: Any) -> Any:
        if mode == "x":
            raise OSError(number, os.strerror(number), str(self))
        return opened(self, mode, *rest, **named)

    monkeypatch.setattr(Path, "open", refuse)
    ended = command("new", "mine")
    assert ended.exit_code == 5
    assert "mine.yaml" in ended.output


def test_a_refusal_of_the_system_that_no_room_put_into_words_has_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "there")

    monkeypatch.setattr("marketsim.scenario.load", refuse)
    ended = command("show", "world.yaml")
    assert ended.exit_code == 5
    assert "may not use there: Permission denied" in ended.output


@pytest.mark.parametrize("option", [("--sentences",), (), ("--json",)])
def test_no_terminal_obeys_a_title(option: tuple[str, ...]) -> None:
    Path("red.yaml").write_text(WORLD.replace("name: t", 'name: t\ntitle: "a\\e[31m \\x9b2J\\u202e caf\\u00e9"'))
    ended = command("show", "red.yaml", *option)
    assert ended.exit_code == 0
    assert not {"\x1b", "\x9b", "\u202e"} & set(ended.output)
    assert "café" in ended.output
    if option == ("--json",):
        assert json.loads(ended.stdout)["title"] == "a\x1b[31m \x9b2J\u202e café"


def test_no_terminal_obeys_a_key_or_the_name_of_a_file() -> None:
    Path("\x1b[2J.yaml").write_text(WORLD + '"\\e[31mkey": 1\n')
    for arguments in (["validate", "\x1b[2J.yaml"], ["show", "\x1b[2J.yaml"], ["show", "none\x1b[2J.yaml"]):
        ended = command(*arguments)
        assert ended.exit_code in (2, 3)
        assert "\x1b" not in ended.output


def test_controls_are_written_as_their_numbers() -> None:
    assert printable("a\x1b[0m\x7f\x9b\nb\tc é") == "a\\u001b[0m\\u007f\\u009b\nb\tc é"


def test_a_stream_that_is_not_utf8_gets_what_it_can_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    say("café \udcff")
    print_json({"a": "café \udcff"})
    sys.stdout.flush()
    first, second = raw.getvalue().decode("ascii").splitlines()
    assert first == "caf\\xe9 \\udcff"
    assert json.loads(second) == {"a": "café \udcff"}


@pytest.mark.parametrize("address", ["nonsense", "tls://::"])
def test_an_address_that_is_none_is_said_before_anything_connects(address: str) -> None:
    ended = command("sweep", "study.yaml", "--scheduler", address)
    assert ended.exit_code == 5
    assert f"no Dask scheduler answers at {address}" in ended.output


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "\x00", '{"status": "ok"}', '{"status": "ok", "versions": 3}', '{"status": 1}', "[" * 100_000],
)
@pytest.mark.parametrize("what", ["report", "compare"])
def test_a_manifest_of_any_text_is_answered_in_words(text: str, what: str) -> None:
    for name in ("a", "b"):
        Path(name, "tables").mkdir(parents=True)
        Path(name, "manifest.json").write_text(text)
    ended = command(what, *(["a"] if what == "report" else ["a", "b"]))
    assert ended.exit_code in (0, 4)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_that_a_library_calls_a_failure_is_an_interruption(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compiled code that is building a schema tells of Ctrl-C as of a schema that cannot be built."""

    def interrupted(*_: object, **__: object) -> None:
        try:
            signal.raise_signal(number)
        except KeyboardInterrupt as stop:
            raise RuntimeError("the schema cannot be built") from stop

    monkeypatch.setattr("marketsim.run", interrupted)
    found = signal.signal(signal.SIGINT, signal.default_int_handler)  # a suite in the background begins without it
    before = signal.getsignal(number)
    try:
        ended = command("run", "world.yaml")
        assert signal.getsignal(number) is before
    finally:
        signal.signal(signal.SIGINT, found)
    assert (ended.exit_code, ended.stderr.strip()) == (130, "interrupted")


def test_ctrl_c_stays_ignored_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a shell's background: the command is not to begin to listen."""
    heard = []
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    monkeypatch.setattr("marketsim.run", lambda *_, **__: heard.append(signal.getsignal(signal.SIGINT)))
    try:
        CliRunner().invoke(main, ["run", "world.yaml"])
        assert heard == [signal.SIG_IGN]
    finally:
        signal.signal(signal.SIGINT, before)
