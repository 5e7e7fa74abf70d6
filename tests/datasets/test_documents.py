"""What a document says that nobody of ours wrote: named by file and key, where a command fell over it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import marketsim as ms
from marketsim.cli import main
from marketsim.datasets.documents import check_document
from marketsim.datasets.integrity import signed
from marketsim.errors import DamagedResultError
from tests.experiments.studies import text

Edit = Callable[[dict[str, Any]], Any]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of a world with a token."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "world.yaml").write_text(text().partition("study:")[0], encoding="utf-8")
    return ms.run(folder / "world.yaml", out=folder, report=False).path


@pytest.fixture(autouse=True)
def nothing_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command is a process of its own: what other tests have read is none of its business."""
    monkeypatch.setattr("marketsim.datasets.integrity._documents", {})


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "run"))


def edit(path: Path, change: Edit) -> None:
    """Change a document by hand and put its hash, and that in the manifest, right."""
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document)
    if path.name == "manifest.json":
        document = signed(document, "manifest_sha256")
    path.write_text(json.dumps(document), encoding="utf-8")
    if path.name != "manifest.json":
        edit(path.with_name("manifest.json"), lambda manifest: manifest["files"].pop(path.name))


def command(*arguments: str) -> Result:
    ended = CliRunner().invoke(main, list(arguments))
    assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.exception
    return ended


def test_what_was_written_is_in_order(run: Path) -> None:
    check_document(run / "manifest.json")
    check_document(run / "resolved.json")


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("manifest.json", lambda it: it.pop("counts"), "counts: field required"),
        ("manifest.json", lambda it: it.update(counts="many"), "counts: input should be an object"),
        ("manifest.json", lambda it: it["tables"]["trades"].update(rows="3"), r"tables\.trades\.rows: input should be"),
        ("manifest.json", lambda it: it.update(versions=[]), "versions: input should be an object"),
        ("manifest.json", lambda it: it.update(replication=-1), "run_id: it is not that of this world"),
        ("manifest.json", lambda it: it.update(arm="off"), "run_id: it is not that of this world"),
        ("resolved.json", lambda it: it.pop("tokens"), "it is not the world that its manifest names"),
        ("resolved.json", lambda it: it.update(markets=[]), "markets: there are no markets"),
        ("resolved.json", lambda it: it.update(record=5), "record: "),
    ],
)
def test_what_was_edited_is_named(run: Path, name: str, change: Edit, words: str) -> None:
    edit(run / name, change)
    with pytest.raises(DamagedResultError, match=rf"{name} is damaged: nothing of ours wrote this \(.*{words}"):
        check_document(run / name)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("manifest.json", lambda it: it.update(counts=[3])),
        ("manifest.json", lambda it: it.update(conservation="x")),
        ("resolved.json", lambda it: it.update(clock=[3])),
        ("resolved.json", lambda it: it.update(tokens=5)),
    ],
)
def test_a_report_of_what_was_edited_says_so_and_ends_with_4(run: Path, name: str, change: Edit) -> None:
    edit(run / name, change)
    ended = command("report", str(run))
    assert ended.exit_code == 4
    assert f"{name} is damaged: nothing of ours wrote this" in ended.output
    assert len(ended.output.splitlines()) == 1
