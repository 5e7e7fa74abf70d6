"""Any other table: its times, numbers, names and rows as tools write them; and what is refused, with its place."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import zipfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from marketsim.market_data import content
from marketsim.market_data.numbers import exact, scaled
from marketsim.units import instant_ns
from tests.market_data.files import MINUTE, NOON, levels, notes, refusal, told, written

FOUR = ("58123.4", "58130.0", "58099.9", "58140.2")
WANTED = dict(zip((0, 60, 120, 180), FOUR, strict=True))


def table(*times: str, header: str = "timestamp,price\n") -> str:
    return header + "".join(f"{time},{price}\n" for time, price in zip(times, FOUR, strict=True))


def of_minutes(pattern: str) -> str:
    return table(*(pattern.replace("MM", f"{minute:02d}") for minute in range(4)))


@pytest.mark.parametrize(
    "pattern",
    [
        "2024-07-09T12:MM:00Z",
        "2024-07-09T12:MM:00.000Z",
        "2024-07-09 12:MM:00+00:00",
        "2024-07-09 12:MM:00.000000000+00:00",
        "2024-07-09T20:MM:00+08:00",
        "2024-07-09T07:MM:00-0500",
        "2024-07-09 12:MM:00 UTC",
        "2024-07-09 12:MM:00",
        "2024-07-09T12:MM",
    ],
)
def test_an_instant_is_the_same_however_a_tool_writes_it(tmp_path: Path, pattern: str) -> None:
    assert levels(tmp_path, written(tmp_path, of_minutes(pattern))) == WANTED


@pytest.mark.parametrize(("factor", "unit"), [(1, "s"), (10**3, "ms"), (10**6, "us"), (10**9, "ns")])
def test_the_unit_of_an_epoch_is_told_by_its_size(tmp_path: Path, factor: int, unit: str) -> None:
    name = written(tmp_path, table(*(str((1_720_526_400 + 60 * minute) * factor) for minute in range(4))))
    assert levels(tmp_path, name) == WANTED
    assert f"instants in timestamp ({unit})" in notes(tmp_path, name)
    assert levels(tmp_path, name, time_unit=unit) == WANTED


def test_a_unit_that_is_said_holds_and_a_wrong_one_is_named(tmp_path: Path) -> None:
    """Case 16 of practice: seconds said to be milliseconds."""
    name = written(tmp_path, table(*(str(1_720_526_400 + 60 * minute) for minute in range(4))))
    said = refusal(tmp_path, name, time_unit="ms")
    assert (said.key, said.text, said.suggestion) == ("time_unit", "ms", "s")
    assert said.message == (
        "the file covers another time than the run: 1970-01-20T21:55:26.4Z to 1970-01-20T21:55:26.58Z"
    )


def test_small_numbers_are_seconds_from_the_start_and_that_is_said(tmp_path: Path) -> None:
    name = written(tmp_path, table("0", "60", "120.5", "180"))
    assert levels(tmp_path, name) == {0: "58123.4", 60: "58130.0", 120.5: "58099.9", 180: "58140.2"}
    assert "(seconds from the start)" in notes(tmp_path, name)


def test_naive_instants_are_those_of_utc_or_of_the_zone_that_is_named(tmp_path: Path) -> None:
    """New York is four hours behind in July; its clocks went from 02:00 to 03:00 on 2024-03-10."""
    name = written(tmp_path, of_minutes("2024-07-09 08:MM:00"))
    assert levels(tmp_path, name, time_zone="America/New_York") == WANTED
    assert levels(tmp_path, name, time_zone="-04:00") == WANTED
    assert "instants without an offset are taken as -04:00" in notes(tmp_path, name, time_zone="-04:00")
    spring = written(tmp_path, "timestamp,price\n2024-03-10 01:59:00,1\n2024-03-10 03:01:00,2\n", "spring.csv")
    start = 1_710_053_940 * 10**9  # 2024-03-10T06:59:00Z
    assert levels(tmp_path, spring, start_ns=start, time_zone="America/New_York", minutes=2) == {0: "1", 120: "2"}
    fault = next(told(tmp_path, name, time_zone="Mars/Base").file_faults())
    assert (fault.path, fault.message) == (("time_zone",), "there is no such time zone")


@pytest.mark.parametrize("zone", ["", "..", "/etc/passwd", "America", "+25:00", "a\0b", "\ud800"])
def test_what_is_no_time_zone_is_a_fault_and_no_traceback(tmp_path: Path, zone: str) -> None:
    name = written(tmp_path, of_minutes("2024-07-09 12:MM:00"))
    assert [fault.path for fault in told(tmp_path, name, time_zone=zone).file_faults()] == [("time_zone",)]


def test_a_byte_order_mark_is_no_letter(tmp_path: Path) -> None:
    text = of_minutes("2024-07-09T12:MM:00Z")
    assert levels(tmp_path, written(tmp_path, b"\xef\xbb\xbf" + text.encode())) == WANTED
    assert levels(tmp_path, written(tmp_path, text.encode("utf-16"), "wide.csv")) == WANTED


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_the_delimiter_is_told_by_the_rows(tmp_path: Path, delimiter: str) -> None:
    assert levels(tmp_path, written(tmp_path, of_minutes("2024-07-09T12:MM:00Z").replace(",", delimiter))) == WANTED


def test_comments_on_top_empty_lines_and_carriage_returns_are_passed_over(tmp_path: Path) -> None:
    text = "# made by a tool\nOne word\n\n" + of_minutes("2024-07-09T12:MM:00Z").replace("\n", "\r\n") + "\r\n\r\n"
    assert levels(tmp_path, written(tmp_path, text)) == WANTED


def test_columns_are_named_by_place(tmp_path: Path) -> None:
    """Case 13 of practice, as a table of one's own."""
    rows = "".join(f"{1_720_526_400_000 + 60_000 * i},x,{price}\n" for i, price in enumerate(FOUR))
    name = written(tmp_path, rows)
    assert levels(tmp_path, name, columns=["when", "what", "paid"], time="when", price="paid") == WANTED
    said = refusal(tmp_path, name)
    assert (said.key, said.message) == (
        "columns",
        "the file has no header line; it begins with 1720526400000, x, 58123.4",
    )
    assert said.allowed == "`columns`, which names its 3 columns by place"
    few = refusal(tmp_path, name, columns=["when", "paid"])
    assert (few.key, few.message) == ("columns", "the file has 3 columns, and 2 are named")


def test_a_first_line_is_a_header_or_none_as_is_said(tmp_path: Path) -> None:
    name = written(tmp_path, "1,2\n" + of_minutes("2024-07-09T12:MM:00Z").split("\n", 1)[1])
    assert levels(tmp_path, name, header=True, time="1", price="2") == WANTED
    named = written(tmp_path, of_minutes("2024-07-09T12:MM:00Z"), "named.csv")
    assert levels(tmp_path, named, columns=["t", "p"], time="t", price="p") == WANTED
    said = refusal(tmp_path, named, header=False, columns=["t", "p"], time="t", price="p")
    assert (said.key, said.text, said.message) == ("time", "named.csv:1: timestamp", "this is not an instant")


def test_prices_are_exact_with_exponent_and_without_leading_zero(tmp_path: Path) -> None:
    """0.1 and 5.81234e4 as decimals, no float in between."""
    name = written(tmp_path, "timestamp,price\n1720526400,.1\n1720526460,5.81234e4\n1720526520,1E-7\n1720526580,+7.\n")
    assert list(levels(tmp_path, name).values()) == ["0.1", "58123.4", "0.0000001", "7"]
    assert exact("5.81234e4") == Decimal("58123.4")
    assert scaled(Decimal("123456789012345678")) == (123_456_789_012_345_678, 0)
    assert scaled(Decimal("-0.000000000000000001")) == (-1, 18)
    assert scaled(Decimal("1." + "0" * 40)) == (10**17, 17)


FRAME = pl.DataFrame(
    {
        "ts": [datetime(2024, 7, 9, 12, tzinfo=UTC) + timedelta(minutes=i) for i in range(4)],
        "px": [410.5, 411.25, 409.75, 410.0],
    }
)


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ([pl.col("ts").dt.cast_time_unit("ns")], ["410.5", "411.25", "409.75", "410.0"]),
        ([pl.col("ts").dt.replace_time_zone(None).dt.cast_time_unit("ms")], ["410.5", "411.25", "409.75", "410.0"]),
        ([pl.col("ts").dt.convert_time_zone("Asia/Tokyo")], ["410.5", "411.25", "409.75", "410.0"]),
        ([pl.col("ts").dt.epoch("us")], ["410.5", "411.25", "409.75", "410.0"]),
        ([pl.col("ts").dt.epoch("s").cast(pl.Float64)], ["410.5", "411.25", "409.75", "410.0"]),
        ([pl.col("ts").dt.to_string("%Y-%m-%d %H:%M:%S")], ["410.5", "411.25", "409.75", "410.0"]),
        ([(pl.col("px") - 410 + pl.lit(0.1)).cast(pl.Float32)], ["0.6", "1.35", None, "0.1"]),
        ([pl.col("px").cast(pl.Decimal(12, 3))], ["410.500", "411.250", "409.750", "410.000"]),
        ([pl.col("px").cast(pl.Int64)], ["410", "411", "409", "410"]),
        ([pl.col("px").cast(pl.String).cast(pl.Categorical)], ["410.5", "411.25", "409.75", "410.0"]),
    ],
)
@pytest.mark.parametrize("kind", ["parquet", "feather", "parquet.gz", "feather.zip"])
def test_parquet_and_feather_hold_what_text_holds(
    tmp_path: Path, change: list[pl.Expr], wanted: list[str | None], kind: str
) -> None:
    """Case 14 of practice, and other types of columns."""
    frame, buffer = FRAME.with_columns(*change), io.BytesIO()
    if None in wanted:
        frame = frame.with_columns(pl.when(pl.col("px") > 0).then(pl.col("px")).otherwise(pl.lit(1)).cast(pl.Float32))
        wanted = [each or "1.0" for each in wanted]
    (frame.write_parquet if kind.startswith("parquet") else frame.write_ipc)(buffer)
    data = buffer.getvalue()
    if kind.endswith("gz"):
        data = gzip.compress(data)
    if kind.endswith("zip"):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("a.feather", data)
        data = packed.getvalue()
    name = written(tmp_path, data, f"a.{kind}")
    assert list(levels(tmp_path, name, time="ts", price="px").values()) == wanted


def test_days_of_a_column_are_midnights(tmp_path: Path) -> None:
    frame = pl.DataFrame({"day": [date(2024, 7, 9), date(2024, 7, 10), date(2024, 7, 11)], "px": [1.5, 2.5, 3.5]})
    frame.write_parquet(tmp_path / "days.parquet")
    start = NOON - 12 * 60 * MINUTE
    found = levels(tmp_path, "days.parquet", start_ns=start, minutes=2 * 24 * 60, time="day", price="px")
    assert found == {0: "1.5", 86_400: "2.5", 172_800: "3.5"}


def test_only_rows_of_the_run_are_kept_and_looked_at(tmp_path: Path) -> None:
    before = "".join(f"2024-07-09T11:{m:02d}:00Z,no price\n" for m in range(59)) + "2024-07-09T11:59:30Z,1\n"
    rows = of_minutes("2024-07-09T12:MM:01Z").split("\n", 1)[1]
    name = written(tmp_path, f"timestamp,price\n{before}{rows}2024-07-09T12:05:00Z,2\n2024-07-09T12:06:00Z,no price\n")
    found = levels(tmp_path, name, max_gap="3min")
    assert list(found) == [-30, 1, 61, 121, 181]
    assert list(found.values()) == ["1", *FOUR]


def test_a_file_is_read_once_in_a_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = written(tmp_path, of_minutes("2024-07-09T12:MM:00Z"))
    opened: list[Any] = []
    real = content.open_file
    monkeypatch.setattr(content, "open_file", lambda path, most: opened.append(path) or real(path, most))
    spec = told(tmp_path, name)
    for _ in range(3):
        spec.prepare(start_ns=NOON, duration_ns=3 * MINUTE, root=tmp_path)
    assert len(opened) == 2  # once to know it, once to read it
    written(tmp_path, of_minutes("2024-07-09T12:MM:00Z") + "2024-07-09T12:04:00Z,1\n")
    spec.prepare(start_ns=NOON, duration_ns=3 * MINUTE, root=tmp_path)
    assert len(opened) == 3


def test_text_is_read_without_polars(tmp_path: Path) -> None:
    name = written(tmp_path, of_minutes("2024-07-09T12:MM:00Z"))
    program = (
        "import sys; from tests.market_data.files import levels; from pathlib import Path; "
        f"levels(Path({str(tmp_path)!r}), {name!r}); print('polars' in sys.modules)"
    )
    root = Path(__file__).parents[2]
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root)
    assert ended.stdout.strip() == "False"


# -- how far a row reaches


def test_one_late_row_condemns_no_file_of_minutes(tmp_path: Path) -> None:
    """Case 24 of practice: a row 41 ms late; three bars are allowed, 2 min missing are not more."""
    times = ["2024-07-09T12:00:00Z", "2024-07-09T12:01:00Z", "2024-07-09T12:02:00.041Z", "2024-07-09T12:03:00Z"]
    assert len(levels(tmp_path, written(tmp_path, table(*times)))) == 4
    gap = written(tmp_path, table(*times[:3], "2024-07-09T12:06:00Z"), "gap.csv")
    said = refusal(tmp_path, gap, minutes=6)
    assert (said.message, said.text) == ("the file has a gap of 3min59s959ms", "gap.csv, 2min41ms into the run")
    assert said.allowed == "at most 3min123ms; `max_gap: 3min59s959ms` lets this one pass"
    assert len(levels(tmp_path, gap, minutes=6, max_gap="4min")) == 4


@pytest.mark.parametrize("year", ["1012", "9012"])
def test_a_file_of_another_age_has_nothing_for_the_run(tmp_path: Path, year: str) -> None:
    """Rows centuries from the start are farther than 64 bits of nanoseconds reach."""
    name = written(tmp_path, of_minutes("2024-07-09T12:MM:00Z"))
    said = refusal(tmp_path, name, start_ns=instant_ns(f"{year}-07-09T12:00:00Z"))
    assert said.message.startswith("the file covers another time than the run: 2024-07-09T12:00:00Z")


def test_trades_may_be_a_minute_apart_or_ten_median_distances(tmp_path: Path) -> None:
    """Of 1, 2, 3 and 59 s the median is 2.5 s: a minute is allowed; of 10, 20, 30 and 301 s it is 25 s, so 250 s."""
    base = 1_720_526_400

    def trades(*seconds: int) -> str:
        return "".join(f"{base + s}.5,100,1\n" for s in (-1, *seconds))

    name = written(tmp_path, trades(0, 2, 5, 64))
    assert len(levels(tmp_path, name, minutes=1)) == 5
    wide = refusal(tmp_path, written(tmp_path, trades(9, 29, 59, 360), "wide.csv"), minutes=5)
    assert wide.message == "the file has a gap of 5min1s"
    assert wide.allowed.startswith("at most 4min10s;")


@pytest.mark.parametrize(
    ("rows", "message", "text"),
    [
        ("", "the file has no rows", "data.csv"),
        (
            "2024-07-09T12:00:01Z,5\n2024-07-09T12:01:00Z,5\n",
            "the file begins after the run",
            "first row 2024-07-09T12:00:01Z",
        ),
        ("2024-07-09T12:00:00Z,5\n", "one row does not say how long it holds", "data.csv"),
        (
            "2024-07-09T12:00:00Z,5\n2024-07-09T12:01:00Z,5\n2024-07-09T12:00:30Z,5\n",
            "the rows of the file are not in order",
            "data.csv:4",
        ),
        (
            "2024-07-09T12:00:00Z,5\n2024-07-09T12:01:00Z,5\n",
            "the file ends before the run",
            "last row 2024-07-09T12:01:00Z",
        ),
        (
            "2023-07-09T12:00:00Z,5\n2023-07-09T12:01:00Z,5\n",
            "the file covers another time than the run: 2023-07-09T12:00:00Z to 2023-07-09T12:01:00Z",
            "data.csv",
        ),
        (
            "2025-07-09T12:00:00Z,5\n2025-07-09T12:01:00Z,5\n",
            "the file covers another time than the run: 2025-07-09T12:00:00Z to 2025-07-09T12:01:00Z",
            "data.csv",
        ),
    ],
)
def test_a_file_that_does_not_cover_the_run_says_where_it_lies(
    tmp_path: Path, rows: str, message: str, text: str
) -> None:
    said = refusal(tmp_path, written(tmp_path, "timestamp,price\n" + rows))
    assert said.message == message
    assert text in said.text


# -- what is no price, no instant, no file


@pytest.mark.parametrize(
    ("row", "key", "text", "message", "suggestion"),
    [
        ('2024-07-09T12:00:00Z,"67412,5"', "price", "67412,5", "ambiguous", "67412.5"),
        ("2024-07-09T12:00:00Z,", "price", "data.csv:2: ", "not a plain decimal", ""),
        ("2024-07-09T12:00:00Z,nan", "price", "nan", "not a plain decimal", ""),
        ("2024-07-09T12:00:00Z,0", "price", "data.csv:2: 0", "not above zero", ""),
        ("2024-07-09T12:00:00Z,-5", "price", "data.csv:2: -5", "not above zero", ""),
        ("2024-07-09T12:00:00Z,1e400", "price", "1E+400", "too many digits", ""),
        ("2024-07-09T12:00:00Z,9223372036854775808", "price", "9223372036854775808", "too many digits", ""),
        ("2024-07-09T12:00:00Z,0.1234567890123456789", "price", "0.1234", "too many digits", ""),
        ("2024-07-09T12:00:00Z," + "9" * 5_000, "price", "9999", "more than 25 digits", ""),
        ("2024-02-30T12:00:00Z,5", "time", "data.csv:2: 2024-02-30T12:00:00Z", "no such instant", ""),
        ("2024-07-09T24:00:00Z,5", "time", "24:00:00", "no such instant", ""),
        ("yesterday,5", "time", "yesterday", "not an instant", ""),
        ("99999999999999999999999,5", "time", "9999", "not an instant", ""),
        ("1e400,5", "time", "1e400", "not an instant", ""),
        ("2024-07-09T12:00:00Z,5,6", "path", "data.csv:2", "this line has 3 values where 2 are due", ""),
        ("2024-07-09T12:00:00Z", "path", "data.csv:2", "this line has 1 values where 2 are due", ""),
    ],
)
def test_a_row_that_cannot_be_is_refused_with_its_line(
    tmp_path: Path, row: str, key: str, text: str, message: str, suggestion: str
) -> None:
    said = refusal(tmp_path, written(tmp_path, f"timestamp,price\n{row}\n2024-07-09T12:01:00Z,5\n"))
    assert (said.key, said.suggestion) == (key, suggestion)
    assert text in said.text
    assert message in said.message


def test_two_columns_of_one_name_are_refused_where_one_of_them_is_asked_for(tmp_path: Path) -> None:
    rows = "2024-07-09T12:00:00Z,30000,5,1\n2024-07-09T12:03:00Z,30000,5,1\n"
    name = written(tmp_path, "timestamp,close,close,x\n" + rows)
    said = refusal(tmp_path, name, price="close")
    assert (said.key, said.message) == ("price", "2 columns of the file are called 'close'")
    assert levels(tmp_path, name, price="x", max_gap="3min")[0] == "1"
    named = {"columns": ["t", "a", "b", "c"], "time": "t", "price": "b", "max_gap": "3min"}
    assert levels(tmp_path, name, **named)[0] == "5"


def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    name = written(tmp_path, "timestmp,close\n2024-07-09T12:00:00Z,5\n2024-07-09T12:03:00Z,5\n")
    said = refusal(tmp_path, name, price="close")
    assert (said.key, said.message, said.suggestion) == ("time", "the file has no column 'timestamp'", "timestmp")
    assert said.allowed == "its columns are timestmp, close"


DAMAGED_GZIP = gzip.compress(b"timestamp,price\n" * 1_000, mtime=0)[:-20]  # of one name at any time


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file has no rows"),
        (b"PAR1 and no more", "the file is damaged"),
        (b"ARROW1 and no more", "the file is damaged"),
        (DAMAGED_GZIP, "the file is damaged"),
        (b"PK\x03\x04 and no more", "the file is damaged"),
        (b"\x89HDF\r\n\x1a\n", "this is HDF5"),
        (b"\xfd7zXZ\x00", "the file is packed with xz"),
        (b"(\xb5/\xfd\x00", "the file is packed with Zstandard"),
        (b"a,b\0c\n1,2\n", "this is no text"),
        ("timestamp,price\n2024-07-09T12:00:00Z,5 \xa3\n".encode("latin-1"), "this is no UTF-8 text (byte 0xa3)"),
        (b"timestamp,price\n" + b"1" * (1 << 21), "this line does not end"),
        (b'timestamp,price\n"' + b"1,\n" * 50_000, "this line is not CSV"),
    ],
    ids=lambda value: (
        value[:24].decode("latin-1").encode("unicode_escape").decode() if isinstance(value, bytes) else None
    ),
)
def test_what_is_no_table_is_refused_in_words(tmp_path: Path, data: bytes, message: str) -> None:
    said = refusal(tmp_path, written(tmp_path, data))
    assert said.key == "path"
    assert said.message.startswith(message)


def test_an_archive_holds_one_file_and_is_no_workbook(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.csv", "x")
        archive.writestr("b.csv", "x")
    assert refusal(tmp_path, "two.zip").message == "the archive holds 2 files: a.csv, b.csv"
    with zipfile.ZipFile(tmp_path / "book.xlsx", "w") as archive:
        archive.writestr("[Content_Types].xml", "x")
        archive.writestr("xl/workbook.xml", "x")
    assert refusal(tmp_path, "book.xlsx").message == "this is a workbook of a spreadsheet"


def test_a_small_file_that_holds_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "MOST_BYTES", 4_000_000)
    bomb = written(tmp_path, gzip.compress(of_minutes("2024-07-09T12:MM:00Z").encode() + b"\n" * 5_000_000), "bomb.gz")
    assert refusal(tmp_path, bomb, minutes=10).message == "the file holds too much"
    large = written(tmp_path, b"x" * 4_000_001)
    assert refusal(tmp_path, large).message.startswith("the file is too long: 4,000,001 bytes")


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    messages = {name: refusal(tmp_path, name).message for name in ("folder", "pipe", "loop", "absent", "a" * 300)}
    assert messages == {
        "folder": "this is a folder",
        "pipe": "this is not a regular file",
        "loop": "these links lead in a circle",
        "absent": "there is no such file",
        "a" * 300: "the path is too long",
    }
