"""Accounts beyond the traders': those of the ledger, of the insurance funds and of the tokens, and where they trade."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from marketsim.errors import UsageError
from marketsim.issuers.fund.token import LegTerms
from marketsim.issuers.token_spec import TokenSpec
from marketsim.kernel import codes, layout
from marketsim.scenario.schema import Scenario
from marketsim.simulation.wiring.markets import Markets
from marketsim.simulation.wiring.wired import FIRST_LEDGER, FIRST_TOKEN, Cohorts
from marketsim.units import to_atoms

LEDGER_BITS = codes.ACC_NO_MARGIN | codes.ACC_LEDGER
ROLES = ("venue", "rounding", "outside", "outside_holders")


@dataclass(frozen=True)
class _Account:
    """An account to be opened: its public id, cohort, deposit [atoms], bits, and the numbers of its markets."""

    public: int
    cohort: int
    cash: int
    bits: int
    markets: Sequence[int]


class Accounts:
    """The accounts that follow the traders' in the kernel, in the order in which they are added.

    declared: the scenario that public ids are counted in, where an arm leaves parts of it out. ledger: account of each
    (role, venue, currency); roles: of each market, the accounts that its record names; outside: account of the other
    side of each market; of_tokens: account of each token.
    """

    def __init__(self, scenario: Scenario, declared: Scenario, markets: Markets, cohorts: Cohorts) -> None:
        self._scenario, self._declared, self._markets, self._cohorts = scenario, declared, markets, cohorts
        self.first = sum(group.count for group in scenario.traders)
        self._added: list[_Account] = []
        self.ledger: dict[tuple[str, str, str], int] = {}
        self.roles: list[dict[str, int]] = []
        self.outside: dict[str, int] = {}
        self.of_tokens: dict[str, int] = {}

    def _add(self, public: int, cohort: int, cash: int, bits: int, markets: Sequence[int]) -> int:
        self._added.append(_Account(public, cohort, cash, bits, markets))
        return self.first + len(self._added) - 1

    def add_ledger(self) -> None:
        """Open the ledger roles of every venue and currency, and an insurance fund for each market."""
        public = FIRST_LEDGER
        places = list(dict.fromkeys((market.venue, market.currency) for market in self._markets.specs))
        issuers = dict.fromkeys(f"issuer:{token.issuer}" for token in self._declared.tokens)
        absent = issuers.keys() - {f"issuer:{token.issuer}" for token in self._scenario.tokens}
        for venue, currency in places:
            for role in [*ROLES, *issuers]:
                if role not in absent:
                    self._add_role(public, role, venue, currency)
                public += 1
        for number in range(len(self._markets.specs)):
            self._add_insurance_fund(public, number)
            public += 1

    def _add_role(self, public: int, role: str, venue: str, currency: str) -> None:
        markets = self._markets
        inside = [i for i, m in enumerate(markets.specs) if (m.venue, m.currency) == (venue, currency)]
        of_tokens = [i for i in inside if markets.is_of_token(markets.specs[i])]
        held = [i for i in inside if i not in of_tokens] if role == "outside" else of_tokens
        held = [] if role in ("venue", "rounding") else held
        bits = LEDGER_BITS | (codes.ACC_OUTSIDE if role == "outside" else 0)
        cohort = self._cohorts.add(role, "ledger", currency)
        self.ledger[role, venue, currency] = self._add(public, cohort, 0, bits, held)

    def _add_insurance_fund(self, public: int, number: int) -> None:
        market = self._markets.specs[number]
        cohort = self._cohorts.add("insurance", "ledger", market.currency)
        fund = self._add(public, cohort, to_atoms(market.insurance_fund.amount), LEDGER_BITS, [number])
        place = market.venue, market.currency
        role_accounts = {f"{role}_account": self.ledger[role, *place] for role in ("venue", "rounding", "outside")}
        self.roles.append({**role_accounts, "insurance_account": fund})
        other_side = "outside_holders" if self._markets.is_of_token(market) else "outside"
        self.outside[market.id] = self.ledger[other_side, *place]

    def add_tokens(self) -> list[tuple[TokenSpec, int, list[LegTerms]]]:
        """Open the account of each token's fund; raises UsageError where one account cannot hold all legs."""
        added = []
        numbers = self._markets.numbers
        positions = {token.id: i for i, token in enumerate(self._declared.tokens)}
        for spec in self._scenario.tokens:
            markets = [self._markets.spec(name) for name in spec.basket]
            if len({(market.venue, market.currency) for market in markets}) > 1:
                raise UsageError(
                    f"tokens.{spec.id}.basket: its legs are on several venues or in several currencies; "
                    "one account needs one"
                )
            legs = [
                LegTerms(
                    market.id,
                    Fraction(spec.basket[market.id]),
                    market.tick.amount,
                    self._markets.atoms[numbers[market.id]],
                    market.mark.every,
                )
                for market in markets
            ]
            bits = codes.ACC_WATCHED | codes.ACC_FUND | (0 if spec.account.tiers else codes.ACC_NO_TIERS)
            cohort = self._cohorts.add(spec.id, "token", markets[0].currency)
            held = [numbers[name] for name in spec.basket]
            account = self._add(FIRST_TOKEN + positions[spec.id], cohort, spec.aum_atoms, bits, held)
            self.of_tokens[spec.id] = account
            added.append((spec, account, legs))
        return added

    def public_ids(self) -> NDArray[np.int64]:
        """Public ids by the kernel's index (accounts,): the traders' first, counted through all groups declared."""
        present = {group.id for group in self._scenario.traders}
        ids, first = [], 0
        for group in self._declared.traders:
            if group.id in present:
                ids.append(np.arange(first, first + group.count))
            first += group.count
        added = np.array([account.public for account in self._added], np.int64)
        return np.concatenate([*ids, added]).astype(np.int64)

    def rows(self, first_position: int) -> tuple[NDArray[np.void], NDArray[np.void], dict[tuple[int, str], int]]:
        """Rows of the accounts and of their positions, and the record of each (account, market id).

        first_position: the number of the first record.
        """
        accounts = np.zeros(len(self._added), layout.ACCOUNT)
        pairs: list[tuple[int, int]] = []
        for number, (row, account) in enumerate(zip(accounts, self._added, strict=True), start=self.first):
            row["cash_atoms"] = row["deposit_atoms"] = account.cash
            row["cohort"], row["bits"], row["trader"] = account.cohort, account.bits, -1
            row["n_positions"] = len(account.markets)
            row["first_position"] = first_position + len(pairs) if account.markets else -1
            pairs += [(number, market) for market in account.markets]
        positions = np.zeros(len(pairs), layout.POSITION)
        for link in ("next", "prev", "bucket", "sibling"):
            positions[link] = -1
        records: dict[tuple[int, str], int] = {}
        for j, (number, market) in enumerate(pairs):
            records[number, self._markets.specs[market].id] = first_position + j
            positions[j]["account"], positions[j]["market"] = number, market
            if j + 1 < len(pairs) and pairs[j + 1][0] == number:
                positions[j]["sibling"] = first_position + j + 1
        return accounts, positions, records
