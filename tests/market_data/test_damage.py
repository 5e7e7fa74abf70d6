"""Damaged files: whatever a file holds, it is read or refused in words."""

from __future__ import annotations

import gzip
import io
import random
import zipfile
from pathlib import Path
from typing import Any

import pytest

from marketsim.errors import DataFileError
from tests.market_data.files import levels
from tests.market_data.test_formats import AGG_TRADES, KLINES, MESSAGES, OHLCV, QUOTES, TARDIS
from tests.market_data.test_tables import FRAME, of_minutes

JUNK = [
    b",", b"\n", b"\r", b'"', b"\0", b"\xff", b"e9", b"e-999", b"-", b"nan", b"inf", b"9" * 24, b"1" * 400,
    b"\xe2\x88\x92", b";", b"\t", b"T", b"Z", b":", b"#", b"2024-13-40", b"9999-12-31T23:59:59Z", b"0001-01-01",
]  # fmt: skip
KEYS: list[dict[str, Any]] = [
    {}, {"time_unit": "ms"}, {"columns": ["a", "b"]}, {"header": False}, {"where": {"symbol": "BTCUSDT"}},
    {"price": "close"}, {"date": "2012-06-21"}, {"max_gap": "1h"}, {"instant": "close"},
    {"time_zone": "America/New_York"}, {"format": "lobster_orderbook", "date": "2012-06-21"},
    {"time": "ts", "price": "px"}, {"format": "binance_klines"}, {"format": "tardis_book"},
]  # fmt: skip


def _files() -> list[bytes]:
    parquet, feather, packed = io.BytesIO(), io.BytesIO(), io.BytesIO()
    FRAME.write_parquet(parquet)
    FRAME.write_ipc(feather)
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.csv", KLINES)
    quotes = TARDIS + "ask_amount,ask_price,bid_price,bid_amount\n" + QUOTES
    texts = [KLINES, AGG_TRADES, quotes, OHLCV, MESSAGES, of_minutes("2024-07-09T12:MM:00Z")]
    binary = [parquet.getvalue(), feather.getvalue(), packed.getvalue(), gzip.compress(KLINES.encode())]
    return [*(text.encode() for text in texts), *binary, texts[-1].encode("utf-16")]


def _damaged(data: bytes, luck: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(luck.randint(1, 5)):
        at = luck.randrange(len(changed) + 1)
        what = luck.randrange(4)
        if what == 0:
            changed[at:at] = luck.choice(JUNK)
        elif what == 1:
            del changed[at : at + luck.randint(1, 20)]
        elif what == 2 and at < len(changed):
            changed[at] = luck.randrange(256)
        else:
            start = luck.randrange(len(changed) + 1)
            changed[at:at] = changed[start : start + luck.randint(1, 200)]
    return bytes(changed)


@pytest.mark.parametrize("number", range(11))
def test_a_damaged_file_is_read_or_refused_in_words(tmp_path: Path, number: int) -> None:
    luck, data, refused = random.Random(number), _files()[number], list[DataFileError]()
    for attempt in range(60):
        name = f"{attempt}_orderbook_1.csv"
        (tmp_path / name).write_bytes(_damaged(data, luck))
        try:
            levels(tmp_path, name, **luck.choice(KEYS))
        except DataFileError as error:
            refused.append(error)
    assert len(refused) > 5
    assert all(error.message and error.allowed for error in refused)
