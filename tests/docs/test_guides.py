"""Guides are followed to the letter: files written, commands run, what they print compared."""

from pathlib import Path

import pytest

from tests.docs.guides import GUIDES, SLOW, check_followed, commands_of, files_of
from tests.docs.pages import PACKAGE

PAGES = [page for page in sorted(GUIDES.glob("*.md")) if page.stem not in SLOW and commands_of(page)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_guide_that_is_followed_does_what_it_says(page: Path, tmp_path: Path) -> None:
    check_followed(page, tmp_path)


def test_pages_that_take_long_are_left_to_verification() -> None:
    assert {page.stem for page in GUIDES.glob("*.md")} >= set(SLOW)
    assert {page.stem for page in PAGES} == {"first-ten-minutes", "real-prices", "your-own"}


def test_the_envelope_s_page_is_followed(tmp_path: Path) -> None:
    check_followed(PACKAGE / "docs" / "explained" / "what-the-model-can-say.md", tmp_path)


def test_a_command_that_prints_something_else_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```yaml a.yaml\nschema: marketsim/1\n```\n\n```console\n$ marketsim validate a.yaml\nvalid\n```\n", "utf-8"
    )
    assert files_of(page) == {"a.yaml": "schema: marketsim/1\n"}
    work = tmp_path / "work"
    work.mkdir()
    with pytest.raises(AssertionError, match=r"marketsim validate a\.yaml"):
        check_followed(page, work)
