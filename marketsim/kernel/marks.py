"""Index, mark, premium: what a market publishes at every step of its cadence.

Formulas and sources stand in `venues/marks.py`, `venues/funding.py` and `venues/index.py`; here they run on the
kernel's numbers, with + - x / on floats only, so that every machine gets the same bits.
"""

import math

import numpy as np

from marketsim.kernel.book import follow_market, level_lots, next_price, twice_mid
from marketsim.kernel.codes import (
    BOOK,
    BUY,
    EVERY_MARKET,
    NO_ASK,
    NO_BID,
    PERPETUAL,
    SELL,
    SRC_INDEX,
    STOP_NO_MARKET_RULE,
)
from marketsim.kernel.crossings import fire_if_crossed
from marketsim.kernel.dispatch import by_code, functions_of
from marketsim.kernel.formula import publish_price
from marketsim.kernel.index_of_books import books_level
from marketsim.kernel.layout import crossing_at, market_at, position_at, underlying_at
from marketsim.kernel.liquidation import enqueue
from marketsim.kernel.margin import bucket_of, equity_atoms, file_account, file_all, is_under_water
from marketsim.kernel.mark_rules import CODES
from marketsim.kernel.records import compiled, load_f8, load_i4, load_i8, store_i8
from marketsim.kernel.views import follow_index, step_view


@compiled
def step_index(w, k):
    """Move underlying `k` one step along its path, with what it learns from its perpetual."""
    u = underlying_at(w.underlyings, k)
    u.step += 1
    value = load_f8(u.path, u.step - u.path_first)
    if u.n_sources > 0:
        u.level = books_level(w, u)
    elif u.absolute:
        u.level = value
    else:
        if u.learning > 0.0:
            learn(u, market_at(w.markets, u.learning_market))
        u.level *= value
    u.next_ns = (u.step + 1) * u.every_ns
    publish_index(w, k)


@compiled
def learn(u, m):
    """Let the index take a share of its perpetual's deviation.

    Without a book the price is the index plus impacts, and stays where it is: what is learned is no impact any more.
    """
    if m.matching == BOOK:
        perp = np.float64(twice_mid(m)) * 0.5 / m.inverse_tick
        u.level += u.learning * (perp - u.level)
        return
    u.level += u.learning * m.impact
    m.impact *= 1.0 - u.learning
    m.kept *= 1.0 - u.learning


@compiled
def publish_index(w, k):
    """Round the index to each market's ticks; without a book the price moves with it. A latent fundamental is not rounded."""
    u = underlying_at(w.underlyings, k)
    for i in range(w.n_markets):
        m = market_at(w.markets, i)
        if m.latent == k:
            m.latent_ticks = u.level * m.inverse_tick
        if m.underlying == k and m.nav_account < 0:
            m.index_ticks = max(np.int64(1), np.int64(math.floor(u.level * m.inverse_tick + 0.5)))
            if m.matching != BOOK:
                publish_price(w, m)
                w.touched = EVERY_MARKET
            elif m.has_view:
                follow_index(w, m)


@compiled
def sample_basis(m):
    """Take 2 x (mid - index) into the moving average."""
    value = np.int64(twice_mid(m) - 2 * m.index_ticks)
    if m.basis_count < m.basis_length:
        store_i8(m.basis, m.basis_count, value)
        m.basis_count += 1
        m.basis_sum += value
        return
    # The ring holds the youngest `basis_length` samples; its oldest lies at the number of mark steps modulo the length.
    i = m.history_count % m.basis_length
    m.basis_sum += value - load_i8(m.basis, i)
    store_i8(m.basis, i, value)


@compiled
def remember(m):
    """Take the deviation into the public average, and bid + ask into the history."""
    deviation = (np.float64(twice_mid(m)) * 0.5 - np.float64(m.index_ticks)) / np.float64(m.index_ticks)
    m.memory += m.memory_weight * (deviation - m.memory)
    store_i8(m.history, m.history_count & (m.history_length - 1), np.int64(twice_mid(m)))
    m.history_count += 1


@compiled
def impact_price(w, m, side):
    """Average price [ticks] at which the impact notional fills against `side`, or 0 when that side is too thin."""
    if m.matching != BOOK:
        return np.float64(m.last_ticks)
    need = m.impact_ticklots
    spent = 0.0
    lots = 0.0
    price = np.int64(m.best_bid if side == BUY else m.best_ask)
    while price != NO_BID and price != NO_ASK:
        here = np.float64(level_lots(w, m, side, price))
        value = here * np.float64(price)
        if spent + value >= need:
            lots += (need - spent) / np.float64(price)
            return need / lots
        spent += value
        lots += here
        price = np.int64(next_price(w, m, side, price))
    return 0.0


@compiled
def sample_premium(w, m):
    """Take one premium sample: (max(0, impact bid - index) - max(0, index - impact ask)) / index."""
    index = np.float64(m.index_ticks)
    bid = impact_price(w, m, BUY)
    ask = impact_price(w, m, SELL)
    premium = 0.0
    if bid > index:
        premium += (bid - index) / index
    if 0.0 < ask < index:
        premium -= (index - ask) / index
    m.premium = premium
    units = np.int64(math.floor(premium * 1e12 + 0.5))
    m.premium_n += 1
    m.premium_sum += units
    m.premium_weighted += m.premium_n * units


@compiled
def visit(w, m, head, mark, is_long):
    """Check the positions of one trigger list; those under water go to the liquidation queue, the rest are filed again."""
    i = np.int64(head)
    while i >= 0:
        p = position_at(w.positions, i)
        following = np.int64(p.next)
        met = p.trigger_ticks >= mark if is_long else p.trigger_ticks <= mark
        if met:
            if is_under_water(w, np.int64(p.account)):
                enqueue(w, m, np.int64(p.account))
            else:
                file_account(w, np.int64(p.account))
        elif bucket_of(m, np.int64(p.trigger_ticks)) != (p.bucket if is_long else p.bucket - m.buckets):
            # It was filed at a mark that had already passed its trigger, and the mark came back.
            file_account(w, np.int64(p.account))
        i = following


@compiled
def scan_triggers(w, market, old, new):
    """Visit every trigger list between the old and the new mark."""
    m = market_at(w.markets, market)
    if new < m.box_low + (m.box_low >> 2) or new > m.box_high - (m.box_high >> 2):
        file_all(w, market)
        old = new
    for b in range(bucket_of(m, min(old, new)), bucket_of(m, max(old, new)) + 1):
        visit(w, m, np.int64(load_i4(m.long_heads, b)), new, True)
        visit(w, m, np.int64(load_i4(m.short_heads, b)), new, False)


@compiled
def publish_nav(w, m):
    """The index of a token's market is its fund's NAV at the marks of the moment: equity less clients' claims, per unit."""
    if m.supply_lots > 0:
        leg = market_at(w.markets, m.claim_market)
        claims = m.claim_atoms + m.claim_lots * leg.mark_ticks * leg.atoms
        theirs = equity_atoms(w, np.int64(m.nav_account)) - claims
        nav = np.float64(theirs) / (np.float64(m.supply_lots) * np.float64(m.atoms))
        m.index_ticks = max(np.int64(1), np.int64(math.floor(nav + 0.5)))


@compiled
def no_mark_rule(w, m):
    """A market whose code stands for nothing stops the run."""
    w.stop = STOP_NO_MARKET_RULE
    w.stop_argument = m.id
    return np.float64(m.index_ticks)


mark_by_rule = by_code("m.mark_rule", CODES, functions_of("marketsim.kernel.mark_rules", CODES), no_mark_rule, "w, m")


@compiled
def take_mark(w, m):
    """Mark the market by its rule; at the index while a side of the book is empty."""
    mark = np.float64(m.index_ticks)
    one_sided = m.best_bid == NO_BID or m.best_ask == NO_ASK
    if not one_sided:
        mark = mark_by_rule(w, m)
    m.mark_ticks = max(np.int64(1), np.int64(math.floor(mark + 0.5)))


@compiled
def answer_mark(w, market, old):
    """What a mark that was `old` sets off: crossings of mark and index, liquidation triggers."""
    m = market_at(w.markets, market)
    if w.live_crossings > 0:
        for k in range(w.crossings_capacity):
            c = crossing_at(w.crossings, k)
            if c.live and c.market == market and c.source <= SRC_INDEX:
                fire_if_crossed(w, m, k, c)
    if m.kind == PERPETUAL:
        scan_triggers(w, market, old, np.int64(m.mark_ticks))


@compiled
def step_mark(w, market):
    """One step of the market's cadence: basis, memory, mark, premium, crossings, liquidation triggers."""
    m = market_at(w.markets, market)
    if m.nav_account >= 0:
        publish_nav(w, m)
    if m.matching == BOOK:
        follow_market(w, m)
    sample_basis(m)
    remember(m)
    if m.has_view:
        step_view(w, m)
    old = np.int64(m.mark_ticks)
    take_mark(w, m)
    if m.kind == PERPETUAL and m.next_sample_ns <= w.now_ns:
        sample_premium(w, m)
        m.next_sample_ns += m.sample_every_ns
    m.next_mark_ns += m.mark_every_ns
    if m.kind == PERPETUAL:
        m.liquidation_due_ns = w.now_ns
    answer_mark(w, market, old)
    m.queue_budget = m.queue_tail - m.queue_head
    m.liquidation_left_atoms = m.liquidation_cap_atoms
    if m.liquidations_per_step > 0:
        m.queue_budget = min(np.int64(m.queue_budget), np.int64(m.liquidations_per_step))
