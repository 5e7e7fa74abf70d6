"""The card of a blind dataset: what is asked, what there is, how an answer is scored, and what others scored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from marketsim.publication.metadata import Metadata

_ROWS = (
    ("macro_f1", "macro-F1 of the rule"),
    ("aum_log_error", "median log error of the assets"),
    ("aum_missed", "share of funds without an estimate"),
    ("aum_coverage", "share of intervals that hold the assets"),
    ("clock_minutes", "median error of the clock [min]"),
    ("clock_missed", "share of clocks without an estimate"),
)


def card_text(card: Mapping[str, Any], metadata: Metadata) -> str:
    """The card as README.md."""
    return "\n".join(_lines(card, metadata)) + "\n"


def _lines(card: Mapping[str, Any], metadata: Metadata) -> Iterator[str]:
    scores, splits = card["scores"], card["splits"]
    yield from (f"# {metadata.title}: a blind dataset", "", metadata.description, "")
    yield "Each run is the public tape of one simulated market. In some a leveraged fund resets by a rule; in some none"
    yield "does, or a large trader is about at the same hour, or the fund is far too small to be seen (`none`)."
    yield ""
    yield "**Asked** for each run of the splits `test_seed` and `test_world`: a file (Parquet or CSV) with columns"
    yield ""
    yield "- `run`; `rule`, one of " + ", ".join(f"`{rule}`" for rule in card["rules"]) + ";"
    yield "- `clock_utc`, HH:MM, where the rule has one; `aum`, the fund's assets at the start, `aum_lo`, `aum_hi`."
    yield from (
        "",
        f"There are {card['runs']:,} runs: {_counts(splits)}. `labels_train.parquet` has the truth of `train`.",
        "",
    )
    yield f"The clock starts at {card['start_utc']} and runs for {card['duration']}; `t_ns` counts from there."
    yield from ("", "| table | columns |", "|---|---|")
    yield from (f"| `public/{name}` | {', '.join(columns)} |" for name, columns in card["columns"].items())
    yield from ("", "| score on the test runs | baseline | chance |", "|---|---|---|")
    yield from (
        f"| {words} | {_number(scores['baseline'][key])} | {_number(scores['chance'][key])} |" for key, words in _ROWS
    )
    yield from (
        "",
        "The baseline reads the tape and learns from the training labels; chance draws its answers from them.",
    )
    yield "`marketsim dataset score SUBMISSION --answers DIR` scores an answer. The answers are these files:"
    yield from ("", *(f"- `{name}`, SHA-256 {digest}" for name, digest in card["answers_sha256"].items()))


def _counts(splits: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} `{name}`" for name, count in splits.items())


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
