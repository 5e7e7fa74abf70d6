"""What the contract of the language names and this version refuses by name, with the issue that brings it."""

from __future__ import annotations

TOKENS = "Leveraged tokens, every family"
CROWD = "The crowd"

_WORDS: dict[str, dict[str, str]] = {
    "kind": {
        **dict.fromkeys(("jump_diffusion", "heston", "ou", "ar1", "regime", "book"), CROWD),
    },
    "contract": dict.fromkeys(("inverse", "quanto"), CROWD),
    "rule": dict.fromkeys(("index_basis", "funding_basis", "oracle_ema"), CROWD),
    "mode": {"isolated": CROWD},
    "engine": dict.fromkeys(("bitmex", "okx", "ftx", "hyperliquid", "dydx", "deribit", "bybit"), CROWD),
}


def issue_of_word(key: str, word: str) -> str | None:
    """The issue that brings a word as the value of a key (`kind: heston`), if it is a word of the contract."""
    return _WORDS.get(key, {}).get(word)


def refusal_of(name: str, issue: str) -> str:
    """The sentence that refuses a part of the contract by name."""
    return f"{name!r} is part of the language, and exists when issue {issue!r} is done"
