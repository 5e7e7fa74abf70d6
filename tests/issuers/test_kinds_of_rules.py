"""The families of policies and executions: the words there are, and what follows from a kind's own attributes."""

from __future__ import annotations

from decimal import Decimal

from marketsim.issuers.algorithms.family import EXECUTIONS
from marketsim.issuers.algorithms.off_book import OffBookSpec
from marketsim.issuers.policies.family import POLICIES, KeeperReward, scheduled_words, trigger_words
from marketsim.issuers.policies.fli import FliSpec
from marketsim.units import Money
from tests.issuers.test_fli import ETH2X

# The public contract, sections 2 and 5.
CONTRACT_POLICIES = set("none daily band variable fli tlx".split())
CONTRACT_EXECUTIONS = set("market ioc_ladder twap pov passive hidden off_book".split())
CONTRACT_TRIGGERS = set("scheduled emergency band variable fli ripcord tlx".split())


def test_every_word_of_the_contract_is_a_kind() -> None:
    assert set(POLICIES.kinds) >= CONTRACT_POLICIES
    assert set(EXECUTIONS.kinds) >= CONTRACT_EXECUTIONS
    assert set(trigger_words()) >= CONTRACT_TRIGGERS


def test_only_a_policy_without_triggers_never_rebalances() -> None:
    drifting = [word for word, kind in POLICIES.kinds.items() if not kind.model_construct().ever_rebalances]
    assert drifting == ["none"]


def test_only_what_the_clock_sets_off_is_scheduled() -> None:
    assert scheduled_words() == ("scheduled",)


def test_a_reward_is_the_declared_one_while_its_balance_lasts() -> None:
    assert FliSpec.model_validate(ETH2X).keeper_reward is None
    paid = FliSpec.model_validate({**ETH2X, "ripcord_reward": "2500 USDT", "reward_balance": "25 kUSDT"})
    assert paid.keeper_reward == KeeperReward(Money(Decimal(2500), "USDT"), Money(Decimal(25_000), "USDT"))


def test_only_off_book_execution_may_be_free_of_the_taker_fee() -> None:
    free = OffBookSpec.model_validate({"algorithm": "off_book", "off_book_fees": False})
    assert not free.is_charged_off_book
    assert OffBookSpec(algorithm="off_book").is_charged_off_book
    assert all(kind.model_construct().is_charged_off_book for word, kind in EXECUTIONS.kinds.items())
