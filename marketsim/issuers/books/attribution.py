"""What a token's result is made of: seven parts that add up to the atom, interval by interval.

Between two cuts, with positions q, index I, mark M, fills of lots n at price p, all in the market's ticks and lots
times k = atoms_per_tick_lot, summed over legs:

- index = k (q1 I1 - q0 I0 - sum n I), what the position earned on the index;
- basis = the same with M - I, what it earned on the mark leaving the index;
- slippage = k sum n (M - p), signed lots times (mark at the fill - fill price), and what the issuer absorbs of it;
- funding, management fee and trading fee as paid (fees negative), less what the issuer absorbs; the fee for a
  rebalance is a management fee; primary = cash of creations less redemptions.

Opening equity + the seven parts = closing equity, because cash moves by -k n p at a fill. Derived from the ledger
`equity = cash + k q M`; checked by `check_adds_up` at every cut and by a property test.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields

from marketsim.errors import KernelError
from marketsim.issuers.books.decay import Charge


@dataclass(frozen=True, slots=True)
class LegValue:
    """One leg at one instant: position [lots], mark and index [ticks], and the atoms of one lot moving one tick."""

    position_lots: int
    mark_ticks: int
    index_ticks: int
    atoms_per_tick_lot: int


@dataclass(frozen=True, slots=True)
class Valuation:
    """A token's account at one instant: cash [atoms] and every leg, by market."""

    t_ns: int
    cash_atoms: int
    legs: Mapping[str, LegValue]

    @property
    def equity_atoms(self) -> int:
        """Equity at the marks [atoms]."""
        return self.cash_atoms + sum(v.position_lots * v.mark_ticks * v.atoms_per_tick_lot for v in self.legs.values())


@dataclass(frozen=True, slots=True)
class Attribution:
    """One interval of one token: opening equity, seven parts and closing equity [atoms]; the columns of the table."""

    token: str
    t0_ns: int
    t1_ns: int
    opening_atoms: int
    index_atoms: int
    basis_atoms: int
    funding_atoms: int
    management_fee_atoms: int
    trading_fee_atoms: int
    slippage_atoms: int
    primary_atoms: int
    closing_atoms: int

    @property
    def unexplained_atoms(self) -> int:
        """Closing equity less opening equity and the seven parts; zero in a sound ledger."""
        explained = sum(int(getattr(self, part.name)) for part in fields(self)[3:-1])
        return self.closing_atoms - explained


def check_adds_up(interval: Attribution) -> None:
    """Raise `KernelError` unless opening plus the seven parts is closing, to the atom."""
    if interval.unexplained_atoms:
        raise KernelError(
            f"attribution of {interval.token} from {interval.t0_ns} to {interval.t1_ns} ns leaves "
            f"{interval.unexplained_atoms} atoms unexplained: an entry of its account was not reported to it"
        )


@dataclass(slots=True)
class _Trades:
    """Sums over the fills of one leg since the last cut."""

    lots: int = 0
    at_index: int = 0
    at_mark: int = 0
    at_price: int = 0

    def add(self, lots: int, price_ticks: int, mark_ticks: int, index_ticks: int) -> None:
        self.lots += lots
        self.at_index += lots * index_ticks
        self.at_mark += lots * mark_ticks
        self.at_price += lots * price_ticks


@dataclass(slots=True)
class AttributionLedger:
    """Collects what happens to one token's account and cuts it into contiguous intervals.

    Everything that moves cash or position is reported once: `fill`, `funding`, `management_fee`, `costs_absorbed`,
    `primary`, or, for what a venue did by itself, `enter_seizures`. on_charge hears at once of each what it brought the
    fund [atoms].
    """

    token: str
    opening: Valuation
    on_charge: Callable[[Charge, int], None] = lambda charge, atoms: None
    _trades: dict[str, _Trades] = field(default_factory=dict)
    _funding_atoms: int = 0
    _management_fee_atoms: int = 0
    _trading_fee_atoms: int = 0
    _primary_atoms: int = 0
    _seizure_atoms: int = 0
    _absorbed_atoms: int = 0
    _was_seized: bool = False

    def fill(self, market: str, lots: int, price_ticks: int, fee_atoms: int, mark_ticks: int, index_ticks: int) -> None:
        """Report a fill of signed lots [+ bought] and its fee [atoms, positive as a cost]."""
        self._trades.setdefault(market, _Trades()).add(lots, price_ticks, mark_ticks, index_ticks)
        self._trading_fee_atoms -= fee_atoms
        gained = lots * (mark_ticks - price_ticks) * self.opening.legs[market].atoms_per_tick_lot
        self.on_charge("cost", gained - fee_atoms)

    def funding(self, received_atoms: int) -> None:
        """Report a funding settlement [atoms, + received]."""
        self._funding_atoms += received_atoms
        self.on_charge("funding", received_atoms)

    def management_fee(self, paid_atoms: int) -> None:
        """Report a management fee taken out of the account [atoms, positive]."""
        self._management_fee_atoms -= paid_atoms
        self.on_charge("fee", -paid_atoms)

    def costs_absorbed(self, fee_atoms: int, slippage_atoms: int) -> None:
        """Report costs of trading that the issuer paid the fund back [atoms, + received], each in its cost's column."""
        self._trading_fee_atoms += fee_atoms
        self._absorbed_atoms += slippage_atoms
        self.on_charge("cost", fee_atoms + slippage_atoms)

    def primary(self, received_atoms: int) -> None:
        """Report cash of a creation [atoms, +] or redemption [-]."""
        self._primary_atoms += received_atoms

    def enter_seizures(self, now: Valuation) -> dict[str, int]:
        """Take in what the venue did to the account by itself: liquidation, takeover, deleveraging.

        Lots nobody reported count as traded at the present mark. Cash that moved with them, less or more than that
        mark, is slippage, and so is what the venue charges or pays back later on. Returns the lots by market. In an
        account the venue never touched, cash that moved stays unexplained, for `check_adds_up` to find.
        """
        seized = {market: lots for market in now.legs if (lots := self._unreported_lots(now, market))}
        for market, lots in seized.items():
            leg = now.legs[market]
            self._trades.setdefault(market, _Trades()).add(lots, leg.mark_ticks, leg.mark_ticks, leg.index_ticks)
        self._was_seized |= bool(seized)
        if self._was_seized:
            taken = self._interval(now).unexplained_atoms
            self._seizure_atoms += taken
            self.on_charge("cost", taken)
        return seized

    def cut(self, now: Valuation) -> Attribution:
        """End the interval here and open the next one; raises `KernelError` if the parts do not add up."""
        interval = self._interval(now)
        check_adds_up(interval)
        self.opening = now
        self._trades = {}
        self._funding_atoms = self._management_fee_atoms = self._trading_fee_atoms = 0
        self._primary_atoms = self._seizure_atoms = self._absorbed_atoms = 0
        return interval

    def _unreported_lots(self, now: Valuation, market: str) -> int:
        reported = self._trades[market].lots if market in self._trades else 0
        return now.legs[market].position_lots - self.opening.legs[market].position_lots - reported

    def _interval(self, now: Valuation) -> Attribution:
        index = mark = slippage = 0
        for market, then in self.opening.legs.items():
            leg, traded = now.legs[market], self._trades.get(market, _Trades())
            k = leg.atoms_per_tick_lot
            held_now, held_then = leg.position_lots, then.position_lots
            index += k * (held_now * leg.index_ticks - held_then * then.index_ticks - traded.at_index)
            mark += k * (held_now * leg.mark_ticks - held_then * then.mark_ticks - traded.at_mark)
            slippage += k * (traded.at_mark - traded.at_price)
        return Attribution(
            token=self.token,
            t0_ns=self.opening.t_ns,
            t1_ns=now.t_ns,
            opening_atoms=self.opening.equity_atoms,
            index_atoms=index,
            basis_atoms=mark - index,
            funding_atoms=self._funding_atoms,
            management_fee_atoms=self._management_fee_atoms,
            trading_fee_atoms=self._trading_fee_atoms,
            slippage_atoms=slippage + self._seizure_atoms + self._absorbed_atoms,
            primary_atoms=self._primary_atoms,
            closing_atoms=now.equity_atoms,
        )
