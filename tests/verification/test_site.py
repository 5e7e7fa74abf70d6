"""The site and the gallery are built without a warning, fetch nothing, and lead nowhere that is not there."""

import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from time import perf_counter
from urllib.parse import unquote

import pytest

from marketsim.site.gallery import COSTS, shown
from tests.docs.pages import PACKAGE

MOST_MINUTES = 30


class Page(HTMLParser):
    """What a page fetches, where it links to, and the anchors it has."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        if tag in ("script", "img", "iframe", "source") and "src" in found:
            self.fetched.append(found["src"])
        if tag == "link" and found.get("rel") not in ("canonical",):
            self.fetched.append(found["href"])
        if tag == "a" and "href" in found:
            self.links.append(found["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built("docs", tmp_path_factory.mktemp("site")).parent


def built(what: str, folder: Path) -> Path:
    """The start page of the site or of the gallery, as `make docs` and `make gallery` build them."""
    # In a process of its own: warnings of Sphinx's own age are no errors there, warnings about the pages are.
    made = subprocess.run(
        [sys.executable, "-m", "marketsim.site", what, folder], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    return Path(made.stdout.splitlines()[-1])


def check_pages(html: Path) -> int:
    """That the pages below a folder fetch from it alone and link to what is there; how many there are."""
    pages = {file.resolve(): Page(file) for file in html.rglob("*.html") if file.parent.name != "reports"}
    for file, page in pages.items():
        assert [url for url in page.fetched if re.match(r"(\w+:)?//", url)] == [], file
        for link in [*page.fetched, *page.links]:
            if re.match(r"[a-z]+:|data:|//", link):
                continue
            name, _, anchor = unquote(link).partition("#")
            target = (file.parent / name.partition("?")[0]).resolve() if name else file
            assert target.exists(), f"{file.relative_to(html)}: {link}"
            if anchor and target in pages:
                assert anchor in pages[target].anchors, f"{file.relative_to(html)}: {link}"
    for style in html.rglob("*.css"):
        assert re.findall(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", style.read_text("utf-8")) == [], style
    return len(pages)


def test_pages_of_the_site_fetch_nothing_and_lead_somewhere(site: Path) -> None:
    assert check_pages(site) > 60


def test_every_page_of_documentation_is_on_the_site_and_diagrams_are_drawn(site: Path) -> None:
    for page in (PACKAGE / "docs").rglob("*.md"):
        assert (site / "marketsim" / "docs" / page.relative_to(PACKAGE / "docs")).with_suffix(".html").exists()
    architecture = (site / "marketsim" / "ARCHITECTURE.html").read_text("utf-8")
    assert architecture.count('<div class="diagram"') == 4
    assert "flowchart TD" not in architecture


def test_the_search_of_the_site_finds_words_of_pages_and_of_the_reference(site: Path) -> None:
    index = (site / "searchindex.js").read_text("utf-8")
    for word in ("stagger", "liquid", "ioc_ladder", "slippage_bp"):
        assert word in index, word


def test_the_gallery_has_a_page_with_question_answer_and_figure_for_each_that_it_makes(
    tmp_path: Path, say: Callable[[str], None]
) -> None:
    began = perf_counter()
    start = built("gallery", tmp_path)
    minutes = (perf_counter() - began) / 60
    say(f"the gallery took {minutes:.1f} min")
    assert minutes < MOST_MINUTES
    check_pages(start.parent)
    listed = start.read_text("utf-8")
    for each in shown():
        if each.name in COSTS:
            assert each.name in listed
            continue
        page = (start.parent / f"{each.name}.html").read_text("utf-8")
        assert f"{each.name}.svg" in page, each.name
        assert re.search(r"<p><strong>[^<]{30,}", page), each.name
        assert (start.parent / "reports" / f"{each.name}.html").exists()
