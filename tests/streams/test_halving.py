"""What is left after half-lives: against the exact power, and frozen."""

import hashlib
from decimal import Decimal, localcontext

import numpy as np

from marketsim.streams import halving_table, left_by_table


def test_the_table_holds_exact_powers_rounded_once() -> None:
    table = halving_table()
    assert table.shape == (4_096,)
    assert table[::128].tolist() == [2.0**-k for k in range(32)]
    with localcontext() as context:
        context.prec = 60
        exact = [float(Decimal(2) ** (Decimal(-i) / 128)) for i in range(4_096)]
    assert table.tolist() == exact


def test_what_is_left_is_the_power_of_two_to_ten_digits() -> None:
    table = halving_table()
    x = np.random.default_rng(1).uniform(0, 32, 20_000)
    left = np.array([left_by_table(value, table) for value in x])
    assert np.abs(left / 2.0**-x - 1).max() < 4e-11
    assert left_by_table(0.0, table) == 1.0
    assert left_by_table(32.0, table) == 0.0


def test_the_bits_are_frozen() -> None:
    values = [left_by_table(value / 1_000, halving_table()) for value in range(0, 33_000, 7)]
    digest = hashlib.sha256(np.array(values, "<f8").tobytes()).hexdigest()
    assert digest[:16] == "217d84592f0bcd27"
