"""Worlds whose numbers do not fit: tokens that contradict themselves, leverage beyond margin, sums beyond 64 bits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal

from marketsim.errors import UnitError
from marketsim.issuers.algorithms.family import EXECUTIONS
from marketsim.issuers.token_spec import TokenSpec
from marketsim.scenario import bounds
from marketsim.scenario.nodes import Path, at
from marketsim.scenario.world import ScenarioDraft
from marketsim.spec import Distribution
from marketsim.streams import lower_end, upper_end
from marketsim.traders.group import MarketSort, Surroundings, TraderGroupSpec
from marketsim.units import ATOMS_PER_UNIT, atoms_per_tick_lot, format_number, to_atoms
from marketsim.venues.contract import OF_A_PERPETUAL, MarketSpec, contract_faults
from marketsim.venues.index.index_path import PreparedIndex
from marketsim.venues.margin import TierSpec, tier_faults


def check_fits(draft: ScenarioDraft, indices: Mapping[str, PreparedIndex]) -> None:
    """Check tokens and groups against their markets, and every number against its bound."""
    prices = _price_ranges(draft, indices)
    openings = {name: index.opening for name, index in indices.items()}
    markets = draft.by_id("markets")
    for path, market in draft.items("markets"):
        _check_market(draft, path, market, prices, openings)
    for path, token in draft.items("tokens"):
        _check_token(draft, path, token, markets)
    _check_traders(draft)
    _check_token_markets(draft)
    _check_record(draft)
    _check_totals(draft, draft.books(), prices, openings)


def _check_token_markets(draft: ScenarioDraft) -> None:
    """A token's own book has a grid of whole atoms."""
    books = draft.books()
    for path, token in draft.items("tokens"):
        if token.market is None or token.id not in books:
            continue
        lot = token.market.lot
        if lot <= 0 or (1 / lot) % 1:
            draft.at((*path, "market", "lot"), "a token is not a whole number of lots", "a lot such as 1, 0.1 or 0.01")
            continue
        try:
            atoms_per_tick_lot(token.market.tick.amount, lot)
        except UnitError as error:
            draft.unit((*path, "market", "tick"), error)


def _check_record(draft: ScenarioDraft) -> None:
    """Levels are recorded of books."""
    record, books = draft.parts.get("record"), draft.books()
    for key in ("depth", "book") if record is not None and books else ():
        if getattr(record, key) is not None and not any(book.matching.has_book for book in books.values()):
            draft.at(("record", key), "no market here has a book: each matches by a formula", "none, or left out")


def _check_traders(draft: ScenarioDraft) -> None:
    """Groups and networks by themselves and against what there is; nobody holds units of a token twice."""
    groups, markets, around = draft.by_id("traders"), draft.by_id("markets"), _surroundings(draft)
    shares = defaultdict[str, Decimal](Decimal)
    views: dict[str, TraderGroupSpec] = {}
    for path, group in draft.items("traders"):
        draft.faults(path, group.faults(around))
        if (view := group.view_of_market()) is not None:
            first = views.setdefault(group.market, group)
            if first.view_of_market() != view:
                message = f"{first.id} has another view of {group.market}, and a market has one"
                draft.at((*path, "view"), message, f"the view that {first.id} has")
        _check_opening_leverage(draft, path, group, markets)
        for name, part in group.holds.items():
            shares[name] += part
            if around.sorts.get(name) == "token" and shares[name] > 1:
                allowed = "shares of at most 100% together, of a token with `market`"
                draft.at((*path, "holds", name), "more than all units are held", allowed)
    lookers = [name for name, group in groups.items() if group.looks_at_others()]
    counts = {name: group.count for name, group in groups.items()}
    for path, network in draft.items("networks"):
        draft.faults(path, network.faults(counts, lookers))


def _surroundings(draft: ScenarioDraft) -> Surroundings:
    """What a group may name, as its kind wants to know it."""
    sorts: dict[str, MarketSort] = {name: spec.kind for name, spec in draft.by_id("markets").items()}
    tokens = draft.by_id("tokens")
    latent = {name for name, spec in draft.by_id("underlyings").items() if spec.latent is not None}
    return Surroundings(
        sorts=sorts | dict.fromkeys((token.id for token in tokens.values() if token.market is not None), "token"),
        pools={name: (book.venue, book.currency) for name, book in draft.books().items()},
        baskets={name: tuple(token.basket) for name, token in tokens.items()},
        members={name: network.groups for name, network in draft.by_id("networks").items()},
        without_book=[name for name, book in draft.books().items() if not book.matching.has_book],
        for_desks_alone=[name for name, book in draft.books().items() if not book.matching.fills_the_kernels_orders],
        with_latent=[name for name, spec in draft.by_id("markets").items() if spec.underlying in latent],
        without_clock=[name for name, token in tokens.items() if not token.rebalance.has_times],
        without_primary=[name for name, token in tokens.items() if token.primary is None],
    )


def _price_ranges(draft: ScenarioDraft, indices: Mapping[str, PreparedIndex]) -> dict[str, tuple[float, float]]:
    """Lowest and highest plausible index price of each underlying in the run."""
    jumps = [jump for _, event in draft.items("events") if (jump := event.index_jump()) is not None]
    ranges = {}
    for name, index in indices.items():
        down, up = bounds.jump_range(size for underlying, size in jumps if underlying == name)
        ranges[name] = (index.lowest * down, index.highest * up)
    return ranges


def _check_market(
    draft: ScenarioDraft,
    path: Path,
    market: MarketSpec,
    prices: Mapping[str, tuple[float, float]],
    openings: Mapping[str, Decimal],
) -> None:
    if market.kind == "spot":
        _check_spot_market(draft, path)
    draft.faults(path, market.faults())
    tick, lot = market.tick.amount, market.lot.amount
    if tick > 0 and lot > 0 and market.underlying in openings:
        try:
            atoms_per_tick_lot(tick, lot)
        except UnitError as error:
            draft.unit((*path, "tick"), error)
        else:
            opening = openings[market.underlying]
            largest = Decimal(_largest_notional(draft, market.id)) / opening
            for fault in contract_faults(tick, lot, opening, largest):
                draft.at((*path, "tick"), fault)
    if market.underlying in prices and tick > 0:
        low, high = prices[market.underlying]
        if high / float(tick) > bounds.LARGEST_PRICE_TICKS:
            message = f"the price may reach {high:.3g}, more than 2^40 ticks of {market.tick}"
            draft.at((*path, "tick"), message, "a coarser tick, less volatility, or a shorter run")
        if low < float(tick) <= float(openings[market.underlying]):
            message = f"the price may fall to {low:.3g}, below one tick of {market.tick}"
            draft.at((*path, "tick"), message, "a finer tick, less volatility, or a shorter run")


def _check_spot_market(draft: ScenarioDraft, path: Path) -> None:
    """Refuse, by name, the keys of a perpetual."""
    for key in OF_A_PERPETUAL:
        if at(draft.root, (*path, key)) is not None:
            allowed = "tick, lot, fees, mark"
            draft.problems.at_key(draft.root, (*path, key), f"a spot market has no {key}", allowed)


def _largest_notional(draft: ScenarioDraft, market: str) -> float:
    """Notional of the largest single position the scenario opens with [quote]."""
    largest = 0.0
    for _, token in draft.items("tokens"):
        if market in token.basket:
            leverage = token.start.leverage if token.start.leverage is not None else token.basket[market]
            largest = max(largest, float(token.aum.amount) * abs(float(leverage)))
    for _, group in draft.items("traders"):
        if group.market == market and group.start is not None:
            largest = max(largest, bounds.largest(group.capital) * bounds.largest(group.start.leverage))
    return min(largest, 1e30)


def _check_token(draft: ScenarioDraft, path: Path, token: TokenSpec, markets: Mapping[str, MarketSpec]) -> None:
    if not token.basket:
        draft.at((*path, "basket"), "the basket is empty", "{MARKET: target, ...}")
    for market, target in token.basket.items():
        if target == 0:
            draft.at((*path, "basket", market), "a target of zero holds nothing", "a signed leverage such as 3 or -3")
        if market in markets and markets[market].kind == "spot":
            perpetuals = ", ".join(name for name, spec in markets.items() if spec.kind == "perpetual")
            draft.at((*path, "basket", market), "a token holds perpetuals, this is a spot market", perpetuals or "none")
        if market in markets and token.execution.rests_orders and not markets[market].matching.has_book:
            message = f"{EXECUTIONS.word(type(token.execution))} rests orders in a book; {market} matches by a formula"
            draft.at((*path, "execution", "algorithm"), message, "one that takes, such as twap or ioc_ladder")
    if len(token.basket) > 1 and token.start.leverage is not None:
        draft.at((*path, "start", "leverage"), "a basket of several legs starts at its targets", "left out")
    for fault in tier_faults(token.account.tiers):
        draft.at((*path, "account", "tiers"), fault)
    _check_whole_atoms(draft, (*path, "aum"), token.aum.amount)
    target = sum((abs(value) for value in token.basket.values()), Decimal(0))
    draft.faults(path, token.faults({name: market.lot for name, market in markets.items()}))
    start = abs(token.start.leverage) if token.start.leverage is not None else target
    _check_leverage(draft, (*path, "start", "leverage"), start, token.aum.amount, token.account.tiers)


def _check_opening_leverage(
    draft: ScenarioDraft, path: Path, group: TraderGroupSpec, markets: Mapping[str, MarketSpec]
) -> None:
    """Whether the margin tiers of a perpetual allow the leverage a group opens with."""
    if group.start is None or group.market not in markets or markets[group.market].kind == "spot":
        return
    tiers = markets[group.market].margin.tiers
    highest = upper_end(group.start.leverage)
    keys = (*path, "start", "leverage")
    if highest is None and tiers:
        draft.at(keys, "leverage without an upper end does not fit margin tiers", "a law with an upper end")
        return
    for capital in _ends(group.capital):
        _check_leverage(draft, keys, Decimal(highest or 0), capital, tiers)


def _ends(law: Distribution) -> tuple[Decimal, ...]:
    """The capitals at which opening leverage is checked: the smallest, the middle, and the largest if there is one."""
    upper = upper_end(law)
    typical = law.parameters.get("median") or law.parameters.get("mean") or lower_end(law)
    return tuple(Decimal(value) for value in (lower_end(law), typical, upper) if value is not None)


def _check_leverage(
    draft: ScenarioDraft, path: Path, leverage: Decimal, equity: Decimal, tiers: Sequence[TierSpec]
) -> None:
    if not tiers:
        return
    notional = leverage * equity
    tier = next((row for row in tiers if notional <= row.up_to.amount), None)
    most = tier.max_leverage if tier else Decimal(0)
    if leverage > most:
        message = f"leverage {format_number(leverage)} on {format_number(equity)} is beyond the margin tiers"
        allowed = f"at most {format_number(most)} at this notional" if tier else "a notional within the last tier"
        draft.at(path, message, allowed)


def _check_whole_atoms(draft: ScenarioDraft, path: Path, amount: Decimal) -> None:
    try:
        to_atoms(amount)
    except UnitError as error:
        draft.at(path, error.message, error.allowed)


def _check_totals(
    draft: ScenarioDraft,
    markets: Mapping[str, MarketSpec],
    prices: Mapping[str, tuple[float, float]],
    openings: Mapping[str, Decimal],
) -> None:
    """Sums that one int64 must hold: deposits by currency, opening positions at the highest plausible price, heads."""
    deposits: dict[str, float] = defaultdict(float)
    notional: dict[str, float] = defaultdict(float)
    for market in markets.values():
        deposits[market.currency] += float(market.insurance_fund.amount)
    for _, token in draft.items("tokens"):
        deposits[token.aum.currency] += float(token.aum.amount)
        for name, target in token.basket.items():
            leverage = token.start.leverage if token.start.leverage is not None else target
            notional[name] += float(token.aum.amount) * abs(float(leverage))
    for path, group in draft.items("traders"):
        if group.market not in markets:
            continue
        deposits[markets[group.market].currency] += group.count * bounds.mean(group.capital)
        if group.start is not None:
            leverage_of_all = bounds.mean(group.start.leverage) * bounds.mean(group.capital)
            notional[group.market] += group.count * leverage_of_all
        if bounds.largest(group.capital) * ATOMS_PER_UNIT > bounds.LARGEST_TOTAL_ATOMS:
            draft.at((*path, "capital"), "one of these capitals may leave a 64-bit account", "less than 46 G")
    for currency, total in deposits.items():
        if total * ATOMS_PER_UNIT > bounds.LARGEST_TOTAL_ATOMS:
            message = f"all deposits together are about {total:.3g} {currency}, more than 2^62 atoms"
            draft.at(("traders",), message, f"less than {bounds.LARGEST_TOTAL_ATOMS / ATOMS_PER_UNIT:.3g} {currency}")
    for name, total in notional.items():
        underlying = markets[name].underlying if name in markets else ""
        if underlying not in prices:
            continue
        growth = prices[underlying][1] / float(openings[underlying])
        if total * growth * ATOMS_PER_UNIT > bounds.LARGEST_TOTAL_ATOMS:
            message = f"opening positions of {total:.3g} may grow {growth:.3g} times and leave 64 bits"
            draft.at(("markets",), f"{name}: {message}", "less AUM, capital, leverage or volatility")
    if sum(group.count for _, group in draft.items("traders")) >= bounds.LARGEST_NUMBER_OF_TRADERS:
        draft.at(("traders",), "there are more traders than account numbers", "fewer than 1,000,000,000")
