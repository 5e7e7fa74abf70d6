"""Pages lead where they say: links between them, references from code, files of the code they name."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.docs.pages import (
    PACKAGE,
    PAGES,
    REFERENCE,
    ROOT,
    anchors,
    leads_somewhere,
    links,
    prose,
    slug,
    texts,
    texts_of_code,
)

MOST_LINES = 400
DOCS = PACKAGE / "docs"
NOTES = "rules calibration validation theory contract living facts".upper().split()
"""Notes from which pages were written, and which nobody has who has only this repository."""
OUTSIDE = re.compile(rf"(?<![.\"'])\b(?:{'|'.join(NOTES)})\b(?!\[)")
"""Their names in prose; not as a name of code, alone between quotes or behind a dot."""
ROOMS = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
NAMED_FILE = re.compile(r"`(?:marketsim/)?((\w+)/[\w/]+(?:\.py|\.md)?)`")


def named(page: Path) -> str:
    return str(page.relative_to(PACKAGE))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_of_a_page_lead_to_files_and_headings_that_are_there(page: Path) -> None:
    assert [link for link in links(page) if not leads_somewhere(link, page.parent, page)] == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_headings_of_a_page_have_anchors_of_their_own(page: Path) -> None:
    found = anchors(page)
    assert sorted({anchor for anchor in found if found.count(anchor) > 1}) == []


def test_an_anchor_is_the_one_that_github_and_myst_make() -> None:
    assert slug("Binance BLVT") == "binance-blvt"
    assert slug("NAV and `leverage`, [now](x.md)") == "nav-and-leverage-now"
    assert slug("Fees: makers/takers (2024)") == "fees-makerstakers-2024"


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=named)
def test_a_page_of_documentation_stays_compact(page: Path) -> None:
    assert len(page.read_text(encoding="utf-8").splitlines()) < MOST_LINES


def test_every_page_of_documentation_can_be_reached_from_the_index() -> None:
    reached, waiting = set(), [DOCS / "index.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        found = [(page.parent / link.partition("#")[0]).resolve() for link in links(page)]
        waiting += [file for file in found if file.suffix == ".md" and file.is_relative_to(DOCS)]
    assert reached == set(DOCS.rglob("*.md"))


def test_tables_of_contents_name_pages_that_are_there() -> None:
    for index in DOCS.rglob("index.md"):
        blocks = re.findall(r"^```\{toctree\}\n(.*?)^```$", index.read_text(encoding="utf-8"), re.M | re.S)
        listed = [line for block in blocks for line in block.splitlines() if line and not line.startswith(":")]
        if listed == ["*"]:  # pages that are written when the site is built
            assert [page.name for page in index.parent.glob("*.md")] == ["index.md"]
            continue
        assert [name for name in listed if not (index.parent / f"{name}.md").exists()] == []
        beside = {page.stem for page in index.parent.glob("*.md")} | {
            f"{folder.parent.name}/index" for folder in index.parent.glob("*/index.md")
        }
        assert {name for name in listed if not name.startswith("..")} == beside - {"index"}


def test_references_of_code_and_scenarios_lead_to_headings_that_are_there() -> None:
    lost = [
        f"{place}: {reference}"
        for place in texts()
        for reference in REFERENCE.findall(place.text)
        if not ("#" in reference and leads_somewhere(reference, PACKAGE))
    ]
    assert lost == []


def test_no_reference_names_notes_that_are_not_in_the_repository() -> None:
    outside = [f"{place}: {found}" for place in texts() for found in OUTSIDE.findall(place.text)]
    pages = [f"{named(page)}: {found}" for page in PAGES for found in OUTSIDE.findall(prose(page))]
    assert outside + pages == []


def test_a_reference_to_a_note_or_to_no_heading_is_found(tmp_path: Path) -> None:
    file = tmp_path / "venue.py"
    file.write_text(f'"""Fee ({NOTES[4]} section 7)."""\n{NOTES[0]} = 1  # see "docs/" and a page there\n')
    said = [place.text for place in texts_of_code(file)]
    assert [found for text in said for found in OUTSIDE.findall(text)] == [NOTES[4]]
    page = "docs" + "/venues.md"
    references = REFERENCE.findall(f"{page}#funding, {page}#no-such; https://example.org/{page}#no-such")
    assert [leads_somewhere(reference, PACKAGE) for reference in references] == [True, False]


def test_decisions_are_numbered_without_gaps_and_cited_by_numbers_that_are_there() -> None:
    numbers = [int(n) for n in re.findall(r"^\*\*D(\d+)\. ", (PACKAGE / "ARCHITECTURE.md").read_text("utf-8"), re.M)]
    assert numbers == list(range(1, len(numbers) + 1))
    cited = re.compile(r"(?:ARCHITECTURE|[Dd]ecision|\() ?D(\d+)\b")
    said = [(str(place), n) for place in texts() for n in cited.findall(place.text)]
    said += [(named(page), n) for page in PAGES for n in cited.findall(prose(page))]
    assert [(place, n) for place, n in said if int(n) not in numbers] == []


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=named)
def test_files_of_the_code_that_a_page_names_are_there(page: Path) -> None:
    named_files = [path for path, room in NAMED_FILE.findall(prose(page)) if room in ROOMS]
    gone = [path for path in named_files if not any((PACKAGE / f"{path}{end}").exists() for end in ("", ".py"))]
    assert gone == []


def test_pages_travel_in_the_wheel(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    assert [page for page in PAGES if f"marketsim/{named(page)}" not in inside] == []


def test_the_glossary_is_alphabetical_and_says_each_word_once() -> None:
    page = (PACKAGE / "GLOSSARY.md").read_text("utf-8")
    parts = [re.findall(r"^\| (?!word |---)(.+?) \|", part, re.M) for part in page.split("\n## ")[1:]]
    sorted_parts = [sorted(part, key=lambda entry: re.sub(r"[^a-z0-9 ,]", "", entry.lower())) for part in parts]
    assert parts == sorted_parts
    words = [word for part in parts for entry in part for word in entry.split(", ")]
    assert sorted({word for word in words if words.count(word) > 1}) == []
