"""What is held when a run begins: positions of funds, hedges of groups, and the other side of all of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketsim.issuers.fund.token import LegTerms, Token
from marketsim.issuers.token_spec import TokenSpec, open_token, opening_lots, opening_supply_lots
from marketsim.kernel import codes
from marketsim.scenario.schema import Scenario
from marketsim.simulation.wiring.markets import Markets
from marketsim.traders.group import TraderGroupSpec


class OpeningPositions:
    """Writes opening positions into the kernel's rows of accounts and positions.

    records: number of the position of each (account, market id) of Python participants; groups with a desk are added.
    """

    def __init__(
        self,
        markets: Markets,
        accounts: NDArray[Any],
        positions: NDArray[Any],
        records: dict[tuple[int, str], int],
    ) -> None:
        self._markets = markets
        self.accounts, self.positions, self.records = accounts, positions, records

    def _open(self, account: int, market: str, lots: int) -> None:
        """Give an account a position at the market's opening price."""
        number, record = self._markets.numbers[market], self.records[account, market]
        price = self._markets.opening_ticks[number]
        self.positions[record]["lots"] = lots
        self.positions[record]["entry_ticklots"] = abs(lots) * price
        self.accounts[account]["cash_atoms"] -= lots * price * self._markets.atoms[number]

    def open_tokens(self, funds: list[tuple[TokenSpec, int, list[LegTerms]]]) -> list[tuple[TokenSpec, Token]]:
        """Give each fund the position of its start leverage."""
        marks = {market.id: self._markets.opening_ticks[i] for i, market in enumerate(self._markets.specs)}
        tokens = []
        for spec, account, legs in funds:
            for market, lots in opening_lots(spec, legs, marks).items():
                self._open(account, market, lots)
            tokens.append((spec, open_token(spec, account, legs, marks)))
        return tokens

    def open_desk_groups(self, scenario: Scenario, tokens: dict[str, Token]) -> list[tuple[TraderGroupSpec, list[int]]]:
        """Groups that have a desk on the clock, with their accounts, whose positions Python follows.

        They get the hedges that they open with, and are watched where their desk wants each fill at once.
        """
        found: list[tuple[TraderGroupSpec, list[int]]] = []
        first = 0
        for group in scenario.traders:
            mine = list(range(first, first + group.count))
            first += group.count
            if not group.has_desk():
                continue
            if group.hears_fills:
                self.accounts["bits"][mine] |= codes.ACC_WATCHED
            for account in mine:
                self._enter_positions(account)
                if group.market in tokens:
                    self._open_hedges(group, account, tokens[group.market])
            found.append((group, mine))
        return found

    def _enter_positions(self, account: int) -> None:
        """Note a trader's records; its first position has its own number."""
        record = account
        while record >= 0:
            position = self.positions[record]
            self.records[account, self._markets.specs[int(position["market"])].id] = record
            record = int(position["sibling"])

    def _open_hedges(self, group: TraderGroupSpec, account: int, token: Token) -> None:
        """Give one account the positions with which its kind hedges the units it opens with."""
        units = int(self.positions[self.records[account, group.market]]["lots"])
        held = {leg.market: int(self.positions[self.records[token.account, leg.market]]["lots"]) for leg in token.legs}
        for market, lots in group.opening_hedge(units, token.supply_lots, held).items():
            self._open(account, market, lots)

    def book_other_side(self, outside: dict[str, int]) -> list[int]:
        """Give `outside` the other side of what is open, `outside_holders` the units left.

        outside: record of the other side of each market. Returns the open interest of each market [lots].
        """
        interest = []
        for number, market in enumerate(self._markets.specs):
            mine, record = self.positions[self.positions["market"] == number], self.positions[outside[market.id]]
            lots = int(mine["lots"].sum())
            if self._markets.is_of_token(market):
                record["lots"] = opening_supply_lots(self._markets.tokens[market.id]) - lots
                interest.append(0)
                continue
            signed = np.sign(mine["lots"]) * mine["entry_ticklots"]
            paid = sum(int(x) for x in signed) * self._markets.atoms[number]
            record["lots"] = -lots
            record["entry_ticklots"] = abs(paid // self._markets.atoms[number])
            self.accounts[record["account"]]["cash_atoms"] += paid
            longs = int(mine["lots"][mine["lots"] > 0].sum())
            interest.append(longs if market.kind == "perpetual" else 0)  # coins held are nobody's debt
        return interest
