"""Guides that make studies or several runs, followed from an empty folder."""

from pathlib import Path

import pytest

from tests.docs.guides import GUIDES, SLOW, check_followed


@pytest.mark.parametrize("name", SLOW)
def test_a_guide_that_takes_longer_does_what_it_says(name: str, tmp_path: Path) -> None:
    check_followed(GUIDES / f"{name}.md", tmp_path)
