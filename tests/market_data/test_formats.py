"""Each format by a small file in it: known by its content, read to the prices typed in here."""

from __future__ import annotations

import gzip
import re
import zipfile
from pathlib import Path

import pytest

from tests.market_data.files import MINUTE, NOON, levels, notes, refusal, told, written

KLINES = """\
1720526340000,58100.00000000,58130.00000000,58090.00000000,58123.40000000,12.5,1720526399999,726000.1,350,6.1,3540.2,0
1720526400000,58123.40000000,58150.00000000,58100.00000000,58130.10000000,12.5,1720526459999,726000.1,350,6.1,3540.2,0
1720526460000,58130.10000000,58140.00000000,58080.00000000,58099.90000000,12.5,1720526519999,726000.1,350,6.1,3540.2,0
1720526520000,58099.90000000,58160.00000000,58095.00000000,58140.20000000,12.5,1720526579999,726000.1,350,6.1,3540.2,0
"""
KLINE_NAMES = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_x,ignore\n"
KLINE_CLOSES = {0: "58123.40000000", 60: "58130.10000000", 120: "58099.90000000", 180: "58140.20000000"}


def test_klines_give_the_close_when_the_bar_ends(tmp_path: Path) -> None:
    name = written(tmp_path, KLINES)
    assert levels(tmp_path, name) == KLINE_CLOSES
    spec = told(tmp_path, name)
    assert (spec.format, spec.time, spec.price, spec.instant) == ("binance_klines", "open_time", "close", "close")
    assert notes(tmp_path, name) == (
        "data.csv is taken for binance_klines without a header line: instants in open_time (ms), prices in close, "
        "known at the close of each bar of 1min"
    )
    assert spec.sentence() == "follows the column close of data.csv (binance_klines), known at the end of each bar"


def test_klines_with_header_and_in_microseconds_are_the_same(tmp_path: Path) -> None:
    assert levels(tmp_path, written(tmp_path, KLINE_NAMES + KLINES)) == KLINE_CLOSES
    micro = re.sub(r"(?m)^(\d+)000,", r"\g<1>000000,", KLINES).replace("9999,726", "9999999,726")
    assert micro.startswith("1720526340000000,58100.00000000,")
    assert levels(tmp_path, written(tmp_path, micro, "micro.csv")) == KLINE_CLOSES


def test_the_open_of_a_bar_is_known_when_the_bar_begins(tmp_path: Path) -> None:
    name = written(tmp_path, KLINES)
    opens = levels(tmp_path, name, price="open", minutes=2)
    assert opens == {0: "58123.40000000", 60: "58130.10000000", 120: "58099.90000000"}
    assert levels(tmp_path, name, instant="open", minutes=2)[0] == "58130.10000000"
    assert levels(tmp_path, name, price="high")[60] == "58150.00000000"


AGG_TRADES = """\
2100000001,58123.4,0.010,5000000001,5000000002,1720526399000,true
2100000002,58125.0,0.250,5000000003,5000000003,1720526412000,false
2100000003,58125.1,0.100,5000000004,5000000009,1720526412000,false
2100000004,58126.0,0.001,5000000010,5000000010,1720526459000,true
"""


def test_aggregated_trades_of_one_instant_end_at_the_last(tmp_path: Path) -> None:
    names = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n"
    wanted = {-1: "58123.4", 12: "58125.1", 59: "58126.0"}
    name = written(tmp_path, AGG_TRADES)
    assert levels(tmp_path, name, minutes=1) == wanted
    assert levels(tmp_path, written(tmp_path, names + AGG_TRADES, "named.csv"), minutes=1) == wanted
    spot = "".join(f"{line},true\n" for line in AGG_TRADES.replace("true", "True").splitlines())
    assert levels(tmp_path, written(tmp_path, spot, "spot.csv"), minutes=1) == wanted
    assert told(tmp_path, name).format == "binance_agg_trades"
    assert "1 row has the instant of a later one, which counts" in notes(tmp_path, name, minutes=1)


TARDIS = "exchange,symbol,timestamp,local_timestamp,"
QUOTES = """\
binance-futures,BTCUSDT,1720526399900000,1720526399905000,1.5,58124.0,58123.0,2
binance-futures,ETHUSDT,1720526399950000,1720526399955000,1.5,3101.0,3100.0,2
binance-futures,BTCUSDT,1720526400500000,1720526400505000,1.5,58126.1,58125.0,2
binance-futures,BTCUSDT,1720526401000000,1720526401005000,,,58125.0,2
binance-futures,BTCUSDT,1720526402000000,1720526402005000,1.5,58128,58127,2
"""


def test_quotes_give_the_middle_and_a_side_on_which_nobody_is_gives_nothing(tmp_path: Path) -> None:
    name = written(tmp_path, TARDIS + "ask_amount,ask_price,bid_price,bid_amount\n" + QUOTES)
    where = {"symbol": "BTCUSDT"}
    assert levels(tmp_path, name, where=where, minutes=1) == {-0.1: "58123.5", 0.5: "58125.55", 2: "58127.5"}
    assert levels(tmp_path, name, where=where, price="bid_price", minutes=1)[1] == "58125.0"
    assert told(tmp_path, name, where=where).price == "mid"
    assert "1 row has a side of the book on which nobody is" in notes(tmp_path, name, where=where, minutes=1)
    assert "follows the middle of the best quotes of data.csv" in told(tmp_path, name, where=where).sentence()


def test_several_assets_in_one_file_have_to_be_told_apart(tmp_path: Path) -> None:
    name = written(tmp_path, TARDIS + "ask_amount,ask_price,bid_price,bid_amount\n" + QUOTES)
    said = refusal(tmp_path, name)
    assert (said.key, said.message) == ("where", "the file holds several assets: BTCUSDT and ETHUSDT in column symbol")
    assert said.allowed == "`where: {symbol: BTCUSDT}`, or another one"
    other = refusal(tmp_path, name, where={"symbol": "XBTUSD"})
    assert (other.key, other.message) == ("where", "no row meets `where`")
    assert other.allowed == "symbol BTCUSDT; symbol ETHUSDT"
    assert refusal(tmp_path, name, where={"coin": "BTC"}).message == "the file has no column 'coin'"


def test_trades_and_books_of_tardis(tmp_path: Path) -> None:
    trades = TARDIS + "id,side,price,amount\nderibit,BTC,1720526400000000,1720526400009000,1,buy,58123.5,10\n"
    trades += "deribit,BTC,1720526401500000,1720526401509000,2,sell,58122,10\n"
    name = written(tmp_path, trades)
    assert levels(tmp_path, name, minutes=1) == {0: "58123.5", 1.5: "58122"}
    assert told(tmp_path, name).format == "tardis_trades"
    book = TARDIS + "asks[0].price,asks[0].amount,bids[0].price,bids[0].amount,asks[1].price,asks[1].amount\n"
    book += "deribit,BTC,1720526400000000,1720526400009000,58124,1,58123,2,58125,3\n"
    name = written(tmp_path, book, "book.csv")
    assert levels(tmp_path, name, minutes=1, max_gap="1min") == {0: "58123.5"}
    assert told(tmp_path, name).format == "tardis_book"


def test_cryptodatadownload_has_a_comment_on_top_and_is_newest_first(tmp_path: Path) -> None:
    name = written(
        tmp_path,
        "https://www.CryptoDataDownload.com\n"
        "unix,date,symbol,open,high,low,close,Volume BTC,Volume USDT,tradecount\n"
        "1720526520000,2024-07-09 12:02:00,BTCUSDT,58099.9,58160,58095,58140.2,1.5,87000,10\n"
        "1720526460000,2024-07-09 12:01:00,BTCUSDT,58130.1,58140,58080,58099.9,1.5,87000,10\n"
        "1720526400000,2024-07-09 12:00:00,BTCUSDT,58123.4,58150,58100,58130.1,1.5,87000,10\n"
        "1720526340000,2024-07-09 11:59:00,BTCUSDT,58100,58130,58090,58123.4,1.5,87000,10\n"
        "1720526280000,2024-07-09 11:58:00,BTCUSDT,58100,58130,58090,58100,1.5,87000,10\n",
    )
    assert levels(tmp_path, name) == {0: "58123.4", 60: "58130.1", 120: "58099.9", 180: "58140.2"}
    assert told(tmp_path, name).format == "cryptodatadownload"


def test_of_one_instant_in_a_file_that_is_newest_first_the_first_row_counts(tmp_path: Path) -> None:
    rows = "timestamp,price\n2024-07-09T12:00:30Z,7\n2024-07-09T12:00:10Z,6\n2024-07-09T12:00:10Z,5\n"
    name = written(tmp_path, rows + "2024-07-09T12:00:00Z,4\n2024-07-09T12:00:00Z,3\n2024-07-09T11:59:00Z,2\n")
    assert levels(tmp_path, name, minutes=1) == {0: "4", 10: "6", 30: "7"}
    assert "2 rows have the instant of a later one" in notes(tmp_path, name, minutes=1)


def test_kraken_counts_seconds_with_a_fraction(tmp_path: Path) -> None:
    name = written(tmp_path, "1720526399.9,58123.4,0.01\n1720526400.123456,58125.0,0.2\n1720526402,58126,1\n")
    assert levels(tmp_path, name, minutes=1) == {-0.1: "58123.4", 0.123456: "58125.0", 2: "58126"}
    assert told(tmp_path, name).format == "kraken_trades"


OHLCV = """\
1720526340000,58100,58130,58090,58123.4,1.5
1720526400000,58123.4,58150,58100,58130.1,1.5
1720526460000,58130.1,58140,58080,58099.9,1.5
"""


def test_candles_of_ccxt_with_and_without_names(tmp_path: Path) -> None:
    wanted = {0: "58123.4", 60: "58130.1", 120: "58099.9"}
    assert levels(tmp_path, written(tmp_path, OHLCV), minutes=2) == wanted
    named = written(tmp_path, "timestamp,open,high,low,close,volume\n" + OHLCV, "named.csv")
    assert levels(tmp_path, named, minutes=2) == wanted
    assert told(tmp_path, named).format == "ccxt_ohlcv"
    dated = OHLCV.replace("1720526340000", "2024-07-09").replace("1720526400000", "2024-07-10")
    days = written(
        tmp_path, "Date,Open,High,Low,Close,Volume\n" + dated.replace("1720526460000", "2024-07-11"), "d.csv"
    )
    daily = levels(tmp_path, days, start_ns=NOON + 12 * 60 * MINUTE, minutes=24 * 60)
    assert daily == {0: "58123.4", 86_400: "58130.1"}


def test_a_bar_file_that_begins_with_the_run_knows_no_close_yet(tmp_path: Path) -> None:
    """Case 13 of practice: rows from 12:00, a run from 12:00."""
    name = written(tmp_path, OHLCV.split("\n", 1)[1])
    said = refusal(tmp_path, name, price="close", time_unit="ms", minutes=1)
    assert said.message == "the file begins after the run: its first bar closes at 2024-07-09T12:01:00Z"
    assert said.text == "data.csv, taken for ccxt_ohlcv without a header line"
    assert "`instant: open`" in said.allowed
    assert levels(tmp_path, name, instant="open", minutes=1) == {0: "58130.1", 60: "58099.9"}


MESSAGES = """\
34200.004241176,1,16113575,18,5853300,1
34200.025551909,4,16113584,18,5853200,1
34200.201743,5,0,10,5853350,-1
34201.5,3,16113575,18,5853300,1
34202,4,16113590,5,5853100,-1
"""
HALF_PAST_NINE = 1_340_271_000 * 10**9  # 2012-06-21T09:30:00Z


def test_messages_of_lobster_are_executions_in_dollars_on_a_day_that_is_named(tmp_path: Path) -> None:
    name = written(tmp_path, MESSAGES)
    run = {"start_ns": HALF_PAST_NINE + 30_000_000, "minutes": 1, "date": "2012-06-21"}
    assert levels(tmp_path, name, **run) == {-0.004448091: "585.32", 0.171743: "585.335", 1.97: "585.31"}
    assert told(tmp_path, name, date="2012-06-21").format == "lobster_message"
    newyork = run | {"start_ns": HALF_PAST_NINE + 4 * 3600 * 10**9 + 30_000_000, "time_zone": "America/New_York"}
    assert list(levels(tmp_path, name, **newyork).values()) == ["585.32", "585.335", "585.31"]
    said = refusal(tmp_path, name)
    assert (said.key, said.message) == ("date", "times of LOBSTER are seconds of a day")


def test_an_order_book_of_lobster_has_the_times_of_its_messages(tmp_path: Path) -> None:
    empty = "9999999999,0,-9999999999,0"
    rows = ["5859400,200,5853300,18", "5859400,200,5853200,18", empty, "5859400,200,5853200,18", "5859300,1,5853100,5"]
    book = written(tmp_path, "\n".join(f"{row},{empty}" for row in rows), "AAPL_2012-06-21_orderbook_2.csv")
    alone = refusal(tmp_path, book, date="2012-06-21")
    assert "there is no such file" in alone.message
    assert "AAPL_2012-06-21_message_2.csv" in alone.text
    written(tmp_path, MESSAGES, "AAPL_2012-06-21_message_2.csv")
    run = {"start_ns": HALF_PAST_NINE + 30_000_000, "minutes": 1, "date": "2012-06-21"}
    assert levels(tmp_path, book, **run) == {-0.004448091: "585.63", 1.47: "585.63", 1.97: "585.62"}
    spec = told(tmp_path, book, date="2012-06-21")
    assert [file.name for file in spec.files(tmp_path / book)] == [book, "AAPL_2012-06-21_message_2.csv"]


@pytest.mark.parametrize("pack", ["gz", "zip"])
def test_a_packed_file_is_what_is_in_it(tmp_path: Path, pack: str) -> None:
    name = f"data.csv.{pack}"
    if pack == "gz":
        (tmp_path / name).write_bytes(gzip.compress(KLINES.encode()))
    else:
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("BTCUSDT-1m-2024-07-09.csv", KLINES)
            archive.writestr("__MACOSX/._BTCUSDT-1m-2024-07-09.csv", "x")
    assert levels(tmp_path, name) == KLINE_CLOSES


def test_a_format_that_is_named_holds_whatever_the_content_looks_like(tmp_path: Path) -> None:
    """Three columns of minutes would be trades of Kraken; as bars of two columns they are none."""
    name = written(tmp_path, "1720526400,1,2\n1720526460,3,4\n1720526520,5,6\n1720526580,7,8\n")
    assert told(tmp_path, name).format == "kraken_trades"
    assert levels(tmp_path, name, format="plain", columns=["t", "a", "b"], time="t", price="b")[60] == "4"
    assert refusal(tmp_path, name, format="binance_klines").message == "the file has no column 'close'"
