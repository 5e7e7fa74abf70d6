"""A token's books: its holding at any price source, NAV, what is committed or clients', and its attribution and decay.

Position and cash are read from the venue each time, because the venue may change them (funding, liquidation,
deleveraging) at any instant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING, Protocol

from marketsim.issuers.books.attribution import Attribution, AttributionLedger, LegValue, Valuation
from marketsim.issuers.books.claims import Claim
from marketsim.issuers.books.decay import Decay, DecayLedger, TokenSnapshot
from marketsim.issuers.fund.nav import Exact, Holding, Leg
from marketsim.issuers.fund.token import Token
from marketsim.issuers.policies.decision import PriceSource, Situation

if TYPE_CHECKING:
    from marketsim.messages import Fill
    from marketsim.venues.view import View


class PendingHedge(Protocol):
    """An order of a creation or redemption that is under way."""

    @property
    def market(self) -> str:
        """The market it trades in."""
        ...

    @property
    def remaining_lots(self) -> int:
        """What is still to be traded, signed."""
        ...


@dataclass(slots=True)
class TokenBooks:
    """Reads one token's account at the venue and explains every change of it.

    claims: what of the account is not the holders'. hedges: orders of creations and redemptions under way.
    """

    token: Token
    view: View
    claims: list[Claim] = field(default_factory=list)
    hedges: list[PendingHedge] = field(default_factory=list)
    ledger: AttributionLedger = field(init=False)
    decay: DecayLedger = field(init=False)
    funding_seen_atoms: int = field(init=False)

    def __post_init__(self) -> None:
        """Open attribution and decay with the account as it stands at the start of the run."""
        opening, is_empty = self.snapshot(0), not self.token.supply_lots
        self.decay = DecayLedger(
            self.token.id, self.token.legs, lambda: int(self.holders_atoms()), opening, opening if is_empty else None
        )
        self.ledger = AttributionLedger(self.token.id, self.valuation(0), self.decay.enter)
        self.funding_seen_atoms = self.view.funding_atoms(self.token.account)

    def price(self, market: str, source: PriceSource) -> Exact:
        """A market's present price [ticks] from one source.

        The mark stands in for the mid of a book with an empty side, and for the last price before the first trade.
        """
        match source:
            case "index":
                return self.view.index_ticks(market)
            case "last":
                return self.view.last_ticks(market) or self.view.mark_ticks(market)
            case "mid":
                mid = self.view.mid(market)
                return self.view.mark_ticks(market) if mid is None else Fraction(mid)
        return self.view.mark_ticks(market)

    def holding(self, source: PriceSource = "mark") -> Holding:
        """Cash and positions now, valued at one source."""
        account = self.token.account
        legs = tuple(
            Leg(
                leg.market,
                leg.target,
                self.view.position_lots(account, leg.market),
                self.price(leg.market, source),
                leg.atoms_per_tick_lot,
            )
            for leg in self.token.legs
        )
        return Holding(self.view.cash_atoms(account), legs)

    def equity_atoms(self) -> int:
        """Equity at the marks [atoms]."""
        return int(self.holding().equity_atoms)

    def claims_atoms(self) -> int:
        """What of the account is clients' whose requests are under way [atoms]."""
        marks = self.marks() if self.claims else {}
        return sum(claim.worth_atoms(self.token.legs, marks) for claim in self.claims)

    def owed_atoms(self) -> int:
        """What of that is owed for units that were redeemed [atoms]; the rest becomes units."""
        marks = self.marks() if self.claims else {}
        return sum(claim.worth_atoms(self.token.legs, marks) for claim in self.claims if claim.dealt_ticks is not None)

    def holders_atoms(self, source: PriceSource = "mark") -> Exact:
        """What is the holders' [atoms]: equity less claims."""
        return self.holding(source).equity_atoms - self.claims_atoms()

    def nav(self, source: PriceSource = "mark") -> Fraction:
        """NAV [atoms per token], never below zero."""
        return max(self.token.nav(self.holders_atoms(source)), Fraction(0))

    def situation(self, source: PriceSource, t_ns: int, fees_atoms: int = 0) -> Situation:
        """What a policy sees at t_ns: hedges under way count as done, or a reset would trade them a second time.

        fees_atoms: what a rebalance then would pay in fees.
        """
        held = self.committed(self.holding())
        watched = held if source == "mark" else self.committed(self.holding(source))
        worth = self.token.reset_nav * self.token.supply + self.claims_atoms() - self.owed_atoms()
        return Situation(held, watched, self.token.reset_ticks, worth, t_ns, fees_atoms)

    def committed(self, held: Holding) -> Holding:
        """A holding as it will be when all hedges under way are done, and redemptions paid, at its present prices."""
        waiting = {leg.market: 0 for leg in held.legs}
        for hedge in self.hedges:
            waiting[hedge.market] += hedge.remaining_lots
        cost = sum(waiting[leg.market] * leg.price_ticks * leg.atoms_per_tick_lot for leg in held.legs)
        legs = tuple(replace(leg, position_lots=leg.position_lots + waiting[leg.market]) for leg in held.legs)
        return Holding(held.cash_atoms - floor(cost) - self.owed_atoms(), legs)

    def committed_leverage(self) -> Fraction | None:
        """Net leverage at the marks once all hedges under way are done and redemptions paid; None without equity."""
        return self.committed(self.holding()).leverage

    def marks(self) -> dict[str, int]:
        """The present marks of the basket [ticks], by market."""
        return {leg.market: self.view.mark_ticks(leg.market) for leg in self.token.legs}

    def valuation(self, t_ns: int) -> Valuation:
        """The account at the marks and indices of an instant, for attribution."""
        account = self.token.account
        legs = {
            leg.market: LegValue(
                self.view.position_lots(account, leg.market),
                self.view.mark_ticks(leg.market),
                self.view.index_ticks(leg.market),
                leg.atoms_per_tick_lot,
            )
            for leg in self.token.legs
        }
        return Valuation(t_ns, self.view.cash_atoms(account), legs)

    def snapshot(self, t_ns: int) -> TokenSnapshot:
        """The token at an instant, for its decay."""
        return TokenSnapshot(t_ns, self.nav() / self.token.declared_nav, self.marks())

    def begin(self) -> None:
        """Note that an empty fund has got its first units."""
        self.decay.begin(self.snapshot(self.ledger.opening.t_ns))

    def end(self) -> None:
        """Note that the fund's last units are going."""
        self.decay.end(self.snapshot(self.ledger.opening.t_ns))

    def book_fills(self, market: str, fills: Sequence[Fill]) -> None:
        """Enter fills of the token's own orders."""
        for fill in fills:
            self.ledger.fill(market, fill.lots, fill.price_ticks, fill.fee_atoms, fill.mark_ticks, fill.index_ticks)

    def reconcile(self, t_ns: int) -> dict[str, int]:
        """Enter funding settled since the last time, and what the venue took by itself; returns lots taken, by market.

        Only while no order of the token is under way: its fills would be taken for the venue's doing.
        """
        self._book_funding()
        return self.ledger.enter_seizures(self.valuation(t_ns))

    def _book_funding(self) -> None:
        received = self.view.funding_atoms(self.token.account)
        self.ledger.funding(received - self.funding_seen_atoms)
        self.funding_seen_atoms = received

    def cut(self, t_ns: int) -> tuple[Attribution, Decay] | None:
        """End an interval of the attribution and of the decay; None where no time has passed since the last cut."""
        self.reconcile(t_ns)
        if t_ns == self.ledger.opening.t_ns:
            return None
        return self.ledger.cut(self.valuation(t_ns)), self.decay.cut(self.snapshot(t_ns))

    def mark_reset(self, source: PriceSource) -> None:
        """Remember this instant as the last reset."""
        self.token.reset_ticks = {leg.market: self.price(leg.market, source) for leg in self.token.legs}
        self.token.reset_nav = self.nav()
        self.decay.reset(self.marks())
