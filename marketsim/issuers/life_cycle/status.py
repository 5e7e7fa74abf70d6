"""The status of a token: what may be done with it now, and who is told when that changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from marketsim.issuers.context import ChangeSignal, EventLog, RunClock, TokenMarket
from marketsim.issuers.fund.token import Part, Token, TokenState


@dataclass(slots=True)
class TokenStatus:
    """Takes one token from state to state, and tells its own market, if it has one, and the log of events.

    has_primary: whether units can be created and redeemed; rebalance_closes_primary: whether not during a rebalance.
    on_resumed: called when the token is at rest again, or at rest in another way.
    """

    token: Token
    clock: RunClock
    log: EventLog
    change: ChangeSignal
    market: TokenMarket | None
    has_primary: bool
    rebalance_closes_primary: bool = True
    on_resumed: list[Callable[[], None]] = field(default_factory=list)
    _logged: TokenState = TokenState.TRADING
    _logged_ns: int = -1

    # -- what may be done

    def primary_obstacle(self) -> str | None:
        """Why nobody can create or redeem now."""
        token = self.token
        if token.is_over or token.is_closing:
            return "wiped" if token.state is TokenState.WIPED else "delisted"
        if self.clock.is_warming_up:
            return "not_open"
        if token.is_splitting:
            return "splitting"
        if "primary" in token.suspended:
            return "suspended"
        is_rebalancing = token.state is TokenState.REBALANCING
        return "rebalancing" if self.rebalance_closes_primary and is_rebalancing else None

    def tell_market(self) -> None:
        """Tell the token's own market whether it may trade and whether the fund deals."""
        if self.market is not None:
            self.market.open_primary(self.has_primary and self.primary_obstacle() is None)
            is_halted = self.token.is_splitting or self.token.is_over or "market" in self.token.suspended
            self.market.halt(is_halted)

    # -- rebalances

    def begin_rebalance(self) -> None:
        """Take up the state of a rebalance; it is logged only if it takes time (`log_rebalance`)."""
        self.token.state = TokenState.REBALANCING
        self.tell_market()

    def log_rebalance(self) -> None:
        """Log that a rebalance takes time."""
        self._log_state(TokenState.REBALANCING)

    def end_rebalance(self) -> None:
        """Return to rest after a rebalance."""
        self.token.state = TokenState.TRADING
        self.rest()

    def rest(self) -> None:
        """Take up the state between rebalances, and log it; what waited for another state may go on."""
        if self.token.state is not TokenState.REBALANCING and not self.token.is_over:
            self.token.state = self.token.resting_state
            self._log_state(self.token.state)
            self.tell_market()
            self.change.notify()
            for hear in self.on_resumed:
                hear()

    def _log_state(self, state: TokenState) -> None:
        """Log a change of state; one that lasts no time is none, and an instant has one row at most."""
        if state is not self._logged and self.clock.now_ns != self._logged_ns:
            self.log.write("state", {"from": str(self._logged), "to": str(state)})
            self._logged, self._logged_ns = state, self.clock.now_ns

    # -- suspension

    def suspend(self, what: Iterable[Part]) -> None:
        """Suspend parts of the token until they are resumed."""
        self.token.suspended |= set(what)
        self.log.write("suspended", {"what": sorted(what)})
        self.rest()

    def resume(self, what: Iterable[Part]) -> None:
        """Resume parts of the token."""
        self.token.suspended -= set(what)
        self.log.write("resumed", {"what": sorted(what)})
        self.rest()

    def set_splitting(self, is_splitting: bool) -> None:
        """Halt trading for the exchange of units, or end that halt."""
        self.token.is_splitting = is_splitting
        self.rest()

    # -- the end

    def begin_closing(self) -> None:
        """Start a delisting: no rebalances and no primary market from now on."""
        self.token.is_closing = True
        self.tell_market()

    def wipe_out(self, equity_atoms: int) -> None:
        """End a token whose equity is gone."""
        before = self.token.state
        self._end(TokenState.WIPED, {"equity_atoms": equity_atoms, "from": str(before)})

    def end_delisted(self, detail: Mapping[str, Any]) -> None:
        """End a token whose holders are paid."""
        self._end(TokenState.DELISTED, detail)

    def _end(self, state: TokenState, detail: Mapping[str, Any]) -> None:
        self.token.state = state
        self.tell_market()
        self.log.write(state.lower(), detail)
        self.change.notify()
