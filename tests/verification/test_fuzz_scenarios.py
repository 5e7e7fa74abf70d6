"""A fuzzer of scenario files: whatever becomes of one, commands answer in words and in time, and take no nonsense.

MARKETSIM_FUZZ_MUTANTS sets how many there are, MARKETSIM_FUZZ_SEED repeats a run, MARKETSIM_FUZZ_FROM begins at a
mutant, MARKETSIM_FUZZ_KEEP is a folder for those that fail; seed and number stand in the message of these. Each mutant
of the blind part is a function of the two; the guided part learns from what it did before, and is repeated from its
first mutant.
"""

from __future__ import annotations

import os
import random
import secrets
import shutil
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from marketsim.files import shipped_folder
from tests.verification import doors
from tests.verification.guided import Corpus, Coverage
from tests.verification.mutants import mutant, nonsense

MUTANTS = int(os.environ.get("MARKETSIM_FUZZ_MUTANTS", "10000"))
SEED = int(os.environ.get("MARKETSIM_FUZZ_SEED", "0")) or secrets.randbelow(2**31) + 1
FROM = int(os.environ.get("MARKETSIM_FUZZ_FROM", "0"))
KEEP = Path(os.environ["MARKETSIM_FUZZ_KEEP"]) if "MARKETSIM_FUZZ_KEEP" in os.environ else None
ROOM = "/marketsim/"
LARGEST = 20_000
"""Files of the catalogue of at most so many bytes are changed: the others are slow to read."""
SHOWN, RUN = 0.2, 0.1
"""Shares of the valid mutants that are shown, and run for a minute or less."""

SMALL = """
schema: marketsim/1
name: small
clock: {start: 2024-01-01T23:59:00Z, duration: 2min}
seed: 7
underlyings:
  - {id: BTC, index: {kind: gbm, price: 30000 USDT, volatility: 70%/yr, every: 1s, pass_through: 20%}}
markets:
  - id: BTC-PERP
    underlying: BTC
    tick: 0.1 USDT
    lot: 0.001 BTC
    fees: {maker: 2 bps, taker: 5 bps}
    mark: {rule: median, every: 1s}
    funding: {every: 1min, interest: 1 bps, damper: 5 bps, cap: 30 bps, sample: 5s}
    margin: {tiers: none}
    liquidation: {engine: binance, fee: 1.25%}
    insurance_fund: 200 kUSDT
tokens:
  - id: UP
    issuer: alpha
    basket: {BTC-PERP: 3}
    aum: 1 MUSDT
    nav: 100 USDT
    start: {leverage: 3.1}
    rebalance: {policy: band, lower: 2.5, upper: 3.5, move: 2%, to: target, poll: 5s}
    execution: {algorithm: twap, over: 20s, slices: 4}
    primary: {mode: cash_nav, create_fee: 10 bps, redeem_fee: 10 bps}
    management_fee: {rate: 1 bps, every: 1min}
    market: {tick: 0.01 USDT, lot: 0.01}
  - id: DOWN
    like: UP
    basket: {BTC-PERP: -3}
    start: {leverage: -3}
    rebalance: {policy: daily, at: "00:00", jitter: 5s}
traders:
  - id: noise
    kind: noise
    market: BTC-PERP
    count: 40
    rate: 60/h
    capital: {lognormal: {median: 20 kUSDT, sigma: 1}}
  - {id: makers, kind: market_maker, market: BTC-PERP, count: 2, capital: 2 MUSDT, size: 4 kUSDT, latency: 2ms}
  - {id: quotes, kind: market_maker, market: UP, count: 2, capital: 200 kUSDT, size: 4 kUSDT}
  - {id: value, kind: fundamentalist, market: BTC-PERP, count: 5, rate: 60/h, capital: 100 kUSDT}
  - {id: people, kind: holder, tokens: [UP, DOWN], count: 10, rate: 30/h, capital: 5 kUSDT}
events:
  - {at: 30s, kind: jump, underlying: BTC, size: -6%}
  - {at: 40s, kind: order, market: BTC-PERP, size: -2 BTC, type: market}
record: {trades: all, orders: all, quotes: change, depth: {bps: [5, 25], every: 10s}, cohorts: 30s}
"""


class Fuzz:
    """The files that are changed, where mutants of each go, and what has come of them."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self.folder = folder / "scenarios"
        shutil.copytree(shipped_folder(), self.folder)
        (self.folder / "small.yaml").write_text(SMALL, encoding="utf-8")
        files = sorted(path for path in self.folder.rglob("*.yaml") if path.stat().st_size < LARGEST)
        texts = {path: path.read_text(encoding="utf-8") for path in files}
        self.texts = {str(path.relative_to(self.folder)): text for path, text in texts.items()}
        self.valid = {
            name: text for name, text in self.texts.items() if doors.validate(self.folder / name).exit_code == 0
        }
        self.names = [*self.texts, *(3 * list(self.valid)), *(20 * ["small.yaml"])]
        self.counts: Counter[str] = Counter()
        self.failed: dict[str, str] = {}
        self.say = say
        self.began = time.monotonic()

    def path(self, name: str) -> Path:
        """Where a mutant of a file stands: beside it, so that it finds what the file names."""
        return (self.folder / name).with_name("mutant.yaml")

    @contextmanager
    def mutant(self, part: str, number: int, name: str, data: bytes) -> Iterator[Path]:
        """A mutant as a file; what fails in here is kept and told in the end, each kind once."""
        path = self.path(name)
        path.write_bytes(data)
        self.counts["mutants"] += 1
        try:
            yield path
        except (Exception, doors.HangError) as error:
            at = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
            kind = f"{type(error).__name__} at {next((each for each in reversed(at) if ROOM in each), at[-1])}"
            self.counts["that failed"] += 1
            if kind not in self.failed:
                kept = KEEP / f"{part}-{SEED}-{number}.yaml" if KEEP else self.folder.parent / "failed.yaml"
                kept.write_bytes(data)
                self.failed[kind] = f"{part} mutant {number}, of {name}, {kind}: {error}\n{data!r}"
        finally:
            path.unlink()

    def ask(self, path: Path, draw: random.Random) -> None:
        """Ask a mutant's doors."""
        valid = doors.validate(path).exit_code == 0
        self.counts["valid" if valid else "refused"] += 1
        if valid:
            self.ask_more(path, draw)

    def ask_more(self, path: Path, draw: random.Random) -> None:
        """Ask what only valid files are asked."""
        world = doors.written_again(path)
        if draw.random() < SHOWN:
            doors.show(path)
            self.counts["shown"] += 1
        duration_s = draw.choice((5, 60))
        if draw.random() < RUN and doors.is_short(world, duration_s):
            ended = doors.run(path, self.folder.parent / "out", duration_s)
            self.counts[f"runs that ended with {ended.exit_code}"] += 1
            shutil.rmtree(self.folder.parent / "out", ignore_errors=True)

    def tell(self, part: str) -> None:
        """What was done, in a line; fails with all that failed."""
        told = ", ".join(f"{number:,} {what}" for what, number in sorted(self.counts.items()))
        self.say(f"MARKETSIM_FUZZ_SEED={SEED}, {part}: {told}; {time.monotonic() - self.began:.0f} s")
        told = "\n\n".join(self.failed.values())
        assert not self.failed, f"MARKETSIM_FUZZ_SEED={SEED} MARKETSIM_FUZZ_MUTANTS={MUTANTS}\n{told}"


@pytest.fixture
def fuzz(tmp_path: Path, say: Callable[[str], None]) -> Fuzz:
    return Fuzz(tmp_path, say)


def drawn(part: str, number: int) -> random.Random:
    """The luck of one mutant."""
    return random.Random(f"{SEED} {part} {number}")


def test_whatever_becomes_of_a_scenario_the_commands_answer_in_words(fuzz: Fuzz) -> None:
    others = list(fuzz.texts.values())
    for number in range(FROM, MUTANTS // 2):
        draw = drawn("blind", number)
        name = draw.choice(fuzz.names)
        with fuzz.mutant("blind", number, name, mutant(fuzz.texts[name], others, draw)) as path:
            fuzz.ask(path, draw)
    fuzz.tell("blind")


def test_mutants_that_reach_something_new_are_changed_further(fuzz: Fuzz) -> None:
    coverage, corpus, others = (
        Coverage(),
        Corpus([(name, fuzz.texts[name]) for name in fuzz.names]),
        list(fuzz.texts.values()),
    )
    for number in range(MUTANTS // 4):
        draw = drawn("guided", number)
        name, text = corpus.pick(draw)
        data = mutant(text, others, draw)
        with fuzz.mutant("guided", number, name, data) as path:
            with coverage.watched():
                ended = doors.validate(path)
            coverage.hear(ended.output.replace(str(path), ""))
            fuzz.counts["refused" if ended.exit_code else "valid"] += 1
            if coverage.is_more():
                corpus.keep(name, data.decode("utf-8", "replace"))
            if ended.exit_code == 0:
                fuzz.ask_more(path, draw)
    fuzz.counts["kept"] = corpus.found
    fuzz.counts["lines and messages"] = coverage.reached
    fuzz.tell("guided")
    assert fuzz.counts["kept"]


def test_nonsense_is_refused_and_another_quantity_is_another_world(fuzz: Fuzz) -> None:
    names = list(fuzz.valid)
    worlds = {name: doors.written_again(fuzz.folder / name).sha256() for name in names}
    for number in range(FROM, MUTANTS // 4):
        draw = drawn("nonsense", number)
        name = draw.choice(names)
        changed = nonsense(fuzz.texts[name], draw)
        if changed is None:
            continue
        with fuzz.mutant("nonsense", number, name, changed.text.encode()) as path:
            ended = doors.validate(path)
            fuzz.counts["refused" if ended.exit_code else "valid"] += 1
            if changed.is_other and ended.exit_code == 0:
                assert doors.written_again(path).sha256() != worlds[name], changed.what
            else:
                assert ended.exit_code == 3, changed.what
    fuzz.tell("nonsense")


@seed(SEED)
@settings(
    max_examples=max(MUTANTS // 50, 1),
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_what_fails_is_made_as_small_as_it_goes(fuzz: Fuzz, data: st.DataObject) -> None:
    name, draw = data.draw(st.sampled_from(sorted(fuzz.texts))), data.draw(st.randoms())
    path = fuzz.path(name)
    path.write_bytes(mutant(fuzz.texts[name], list(fuzz.texts.values()), draw))
    try:
        if doors.validate(path).exit_code == 0:
            doors.written_again(path)
    except Exception as error:
        error.add_note(f"MARKETSIM_FUZZ_SEED={SEED}, {name}, mutated:\n{path.read_bytes()!r}")
        raise
    finally:
        path.unlink()
