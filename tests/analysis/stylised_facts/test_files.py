from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from marketsim.analysis.stylised_facts import facts_of_file
from marketsim.analysis.stylised_facts.file_tape import tape_of_files
from marketsim.errors import DataFileError

MS = 1_704_067_200_000  # 2024-01-01T00:00:00Z


def agg_trades(n: int, rng: np.random.Generator) -> str:
    """Rows of data.binance.vision without a header: id, price, quantity, first, last, time, buyer is maker, best."""
    prices = 42_000 * np.exp(np.cumsum(rng.normal(0, 1e-5, n)))
    sells = rng.random(n) < 0.5
    return "".join(
        f"{i},{prices[i]:.2f},{1 + i % 3}.5,{i},{i},{MS + i * 500},{'true' if sells[i] else 'false'},true\n"
        for i in range(n)
    )


def test_a_file_of_trades_shows_what_it_can_and_says_what_it_cannot(tmp_path: Path) -> None:
    file = tmp_path / "BTCUSDT-aggTrades-2024-01-01.csv"
    file.write_text(agg_trades(14_400, np.random.default_rng(1)))
    found = facts_of_file(file)
    assert found.kind == "btc"
    assert found.days == pytest.approx(2 / 24, rel=1e-3)
    assert found.row("fano_1s").value == pytest.approx(0.0, abs=1e-3)  # two a second
    assert abs(found.row("sign_acf_10").value or 9) < 0.03
    assert found.row("kurtosis_day").note.startswith("of 2 h")
    assert found.row("spread").verdict == "not measurable"
    assert found.row("spread").note == "a file of trades shows no quotes (--quotes FILE gives them beside trades)"
    assert found.row("depth_variation").note == "a file of trades shows no depth"
    assert found.row("funding").note == "a file of trades does not show it"
    assert found.row("kurtosis_day").verdict == "outside"  # a real market's returns are its own


def test_trades_of_one_sign_and_millisecond_are_one_order(tmp_path: Path) -> None:
    file = tmp_path / "trades.csv"
    header = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
    rows = [(0, "buy", 1), (0, "buy", 2), (0, "sell", 4), (900, "buy", 8), (1_000_000, "buy", 16)]  # in microseconds
    file.write_text(
        header
        + "".join(
            f"x,ETH-USD,{MS * 1000 + t},{MS * 1000 + t},{i},{side},2.0,{size}\n"
            for i, (t, side, size) in enumerate(rows)
        )
    )
    tape = tape_of_files(file)
    assert tape.underlying == "ETH-USD"
    assert tape.orders.sign.tolist() == [1, -1, 1]
    assert tape.orders.notional.tolist() == [22.0, 8.0, 32.0]


def test_quotes_beside_trades_show_the_response(tmp_path: Path) -> None:
    trades, quotes = tmp_path / "trades.csv", tmp_path / "quotes.csv"
    us, mid, rows, fills = MS * 1000, 100.0, [], []
    rows.append(f"x,SOL,{us},{us},5,{mid + 0.01},{mid - 0.01},5\n")
    for i in range(1, 400):
        at, side = us + i * 10_000_000, "buy" if i % 3 else "sell"
        fills.append(f"x,SOL,{at},{at},{i},{side},{mid},1\n")
        mid *= 1 + (1e-4 if side == "buy" else -1e-4)
        rows.append(f"x,SOL,{at + 5},{at + 5},5,{mid * 1.0001},{mid * 0.9999},5\n")
    trades.write_text("exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n" + "".join(fills))
    quotes.write_text(
        "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount\n" + "".join(rows)
    )
    found = facts_of_file(trades, quotes=quotes)
    assert found.kind == "alt"
    assert found.row("response_1s_over_sigma").note == "1 bps"
    assert found.row("spread").value == pytest.approx(2.0, rel=1e-3)
    assert found.row("depth_variation").note == "a file of best quotes shows no depth"


def test_books_show_depth_as_far_as_their_levels_go(tmp_path: Path) -> None:
    file = tmp_path / "book.csv"
    names = [f"{side}s[{i}].{what}" for i in range(3) for side in ("ask", "bid") for what in ("price", "amount")]
    rows = ["exchange,symbol,timestamp,local_timestamp," + ",".join(names)]
    for i in range(3_600):  # levels at 1, 5 and 12 bp of 100
        cells = [f"{100 + sign * away / 100},{2 if i // 60 % 2 else 4}" for away in (1, 5, 12) for sign in (1, -1)]
        rows.append(f"x,BTC,{(MS + i * 1_000) * 1000},{MS * 1000}," + ",".join(cells))
    file.write_text("\n".join(rows) + "\n")
    found = facts_of_file(file)
    assert found.row("spread").value == pytest.approx(2.0)
    assert found.row("depth_variation").value == pytest.approx(1 / 3, rel=0.02)  # two levels a side of 2, then of 4
    near = tmp_path / "near.csv"
    near.write_text("\n".join(row.replace("100.12", "100.09").replace("99.88", "99.91") for row in rows) + "\n")
    assert facts_of_file(near).row("depth_variation").note == "the 3 levels of the books end within 10 bps"


def test_bars_show_returns_and_volume_but_no_orders(tmp_path: Path) -> None:
    rng, rows = np.random.default_rng(2), []
    close = 3_000 * np.exp(np.cumsum(1e-3 * rng.standard_t(4, 3 * 1_440)))
    for i, price in enumerate(close):
        begin = MS + i * 60_000
        rows.append(f"{begin},{price},{price},{price},{price},{5 + i % 60},{begin + 59_999},{price * 5},9,1,1,0\n")
    file = tmp_path / "ETHUSDT-1m.csv.gz"
    file.write_bytes(gzip.compress("".join(rows).encode()))
    found = facts_of_file(file)
    assert found.kind == "btc"
    assert found.days == pytest.approx(3.0)
    assert found.row("kurtosis_day").verdict == "inside"
    assert found.row("kurtosis_day").note == "median of 3 days"
    assert found.row("fano_1s").note == "a file of bars shows no trades"
    assert found.row("hourly_volume_day").value == pytest.approx(1.0, abs=0.5)


def test_trades_without_sides_have_no_signs(tmp_path: Path) -> None:
    file = tmp_path / "XBTUSD.csv"
    file.write_text("".join(f"{MS // 1000 + i}.5,42000.{i % 10},0.5\n" for i in range(3_600)))
    found = facts_of_file(file)
    assert found.kind == "btc"
    assert found.row("fano_60s").value == pytest.approx(0.0, abs=1e-6)
    assert found.row("sign_acf_10").note == "the file does not say which side took"


def test_lobster_messages_are_of_the_day_in_their_name(tmp_path: Path) -> None:
    file = tmp_path / "AAPL_2012-06-21_34200000_57600000_message_1.csv"
    kinds = [(4, -1), (1, 1), (4, 1), (3, 1)]  # a sell order executed is a buy
    file.write_text(
        "".join(f"{34_200 + i}.25,{kinds[i % 4][0]},{i},100,5853300,{kinds[i % 4][1]}\n" for i in range(400))
    )
    tape = tape_of_files(file)
    assert tape.start_ns == 1_340_271_000_250_000_000  # 2012-06-21T09:30:00.25Z as the file's own hours
    assert tape.orders.sign.tolist() == [1, -1] * 100
    assert tape.orders.price[0] == 585.33


def test_of_a_file_of_several_assets_one_is_to_be_named(tmp_path: Path) -> None:
    file = tmp_path / "both.csv"
    rows = [f"{MS + i * 1000},{'AAA' if i % 2 else 'BBB'},{2 + i % 2},1,buy\n" for i in range(200)]
    file.write_text("timestamp,symbol,price,size,side\n" + "".join(rows))
    with pytest.raises(DataFileError, match="the file holds several assets: BBB and AAA"):
        facts_of_file(file)
    found = tape_of_files(file, asset="AAA")
    assert set(found.orders.price) == {3.0}
    with pytest.raises(DataFileError, match="CCC"):
        facts_of_file(file, market="CCC")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file has no rows"),
        ("timestamp,price\n", "the file has no rows"),
        ("timestamp,price\n1704067200,oops\n", "trades.csv:2: oops"),
        ("timestamp,price\n1704067200,-3\n1704067201,4\n", "this is no price or size"),
        ("timestamp,price\n1704067200,nan\n1704067201,4\n", "this is no price or size"),
        ("timestamp,price\nyesterday,3\n", "this is not an instant"),
        ("timestamp,colour\n1704067200,3\n", "the file has no column"),
        ("timestamp,price\n1704067200,3\n", "its rows span no time"),
        ("\0\0\0", "this is no text"),
    ],
)
def test_a_damaged_file_says_what_is_wrong_and_where(text: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "trades.csv"
    file.write_text(text)
    with pytest.raises(DataFileError) as refused:
        facts_of_file(file)
    assert words in str(refused.value)
