"""The gallery shows each shipped study and claim, makes it or says what it costs, and says what came out."""

from pathlib import Path

from marketsim.site.gallery import COSTS, shown
from marketsim.site.gallery_page import Entry, index_page, page
from tests.docs.pages import ROOT


def test_each_shipped_study_and_claim_is_shown_or_named_with_its_cost() -> None:
    files = {path for room in ("studies", "claims") for path in (ROOT / "scenarios" / room).glob("*.yaml")}
    newest = {path for path in files if "@" not in path.name}
    assert {each.file for each in shown()} == newest
    names = {each.name for each in shown()}
    assert set(COSTS) <= names
    assert {"crowding-loop-quick", "staggering", "claim-perp"} <= names - set(COSTS)


def test_a_page_has_the_question_the_answer_and_the_figure() -> None:
    entry = Entry(
        "one", "Does it push?", False, answer=["It pushed by 20 bp [10, 30]."], figure="one.svg", report=Path("x")
    )
    assert page(entry).startswith("# Does it push?\n\n**It pushed by 20 bp [10, 30].**\n\n![Does it push?](one.svg)\n")
    assert "marketsim sweep marketsim:one" in page(entry)


def test_the_list_has_answers_and_the_cost_of_what_was_not_made() -> None:
    entries = [
        Entry("one", "Does it push?", False, answer=["By 20 bp | more."]),
        Entry("claim-two", "Tokens pay", True, answer=["Confirmed: yes."]),
        Entry("large", "Does it loop?", False, cost="two hours"),
    ]
    text = index_page(entries)
    assert "| [Does it push?](one.md) | By 20 bp \\| more. |" in text
    assert text.index("## Studies") < text.index("(one.md)") < text.index("## Claims") < text.index("(claim-two.md)")
    assert "| `marketsim:large` | Does it loop? | two hours |" in text
    assert text.endswith("one\nclaim-two\n```\n")
