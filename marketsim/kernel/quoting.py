"""Makers that learn: when they look again at what they quote, and what they quote then.

A maker whose market's view went past its trigger, who traded, whose side is to rest or who leaves decides at once; its quotes
reach the book after its latency, all at one instant, as they were decided. While they are on the way it decides nothing more,
and looks again when they are there. So nothing but latency leaves a stale quote in the book, and what a maker costs is bounded by its
latency. What the group's clock adds are looks without a reason. Draws belong to (group, maker, count) and to none of the
group's wake-ups.
"""

import math

import numpy as np

from marketsim.kernel.codes import BUY, F_LOOK, F_POST_ONLY, F_REQUOTE, FREE_SLOT, P_NORMAL, S_NORMAL
from marketsim.kernel.draw import TWO_32, below, philox
from marketsim.kernel.layout import account_at, group_at, market_at, order_at, position_at, trader_at
from marketsim.kernel.maker_layout import maker_at, view_at
from marketsim.kernel.margin import equity_atoms
from marketsim.kernel.messages import send_message
from marketsim.kernel.records import compiled, load_f8, load_i4, load_i8
from marketsim.kernel.rule import group_parameters, own_numbers, reads_own, reads_parameters
from marketsim.kernel.sending import TABLE, lots_of, place, withdraw
from marketsim.kernel.views import VIEW_ORDER, VIEW_STEP, usual_today

PARAMETERS = group_parameters(
    ("key", "u8"),  # of all its makers' draws
    ("levels", "i8"),
    ("distance_table", "i8"),  # fraction of the price, shape (makers, levels)
    ("size_table", "i8"),  # tick-lots, shape (levels,)
    ("skew_per_ticklot", "f8"),  # fraction of the price that quotes shift by tick-lot of inventory
    ("most_skew", "f8"),
    ("hysteresis", "f8"),  # share of its distance that a quote may be off before it is replaced
    ("refill", "f8"),  # share of its size that must be left
    ("max_inventory_ticklots", "f8"),
    ("least_equity", "f8"),  # share of its deposit below which a maker quotes nothing
    ("trigger", "f8"),  # share of its half-spread that the view may move
    ("requote_table", "i8"),  # quantiles of the latency [ns]
    # distances
    ("first", "f8"),  # half-spread that is widened, a fraction of the price
    ("volatility_spread", "f8"),
    ("relative", "f8"),  # share of the volatility that counts against the last hour's
    ("steep", "f8"),  # half-spread by volatility beyond three times the usual
    ("toxicity", "f8"),
    ("widest", "f8"),
    # sizes
    ("thinning", "f8"),
    ("drift_steps", "i8"),  # steps of the view between two steps of the drift, 0: none
    ("drift_kept", "f8"),
    ("drift_shock", "f8"),
    ("normal_table", "i8"),
    ("exponential_table", "i8"),  # of -4, -4 + 1/32, .. 4
    # after a large order
    ("large_ticklots", "f8"),
    ("rest_share", "f8"),  # probability that a maker rests the side that was hit, 0: none does
    ("rest_within", "f8"),  # fraction of the price
    ("rest_table", "i8"),  # quantiles of the time [ns]
    ("absence_table", "i8"),
)
TABLES = {
    "distance_table": "f8", "size_table": "f8", "normal_table": "f8", "exponential_table": "f8",
    "requote_table": "i8", "rest_table": "i8", "absence_table": "i8",
}  # fmt: skip
OWN = own_numbers(("base_lots", "i8"))  # the position that inventory counts from
parameters_of, own_of = reads_parameters(PARAMETERS), reads_own(OWN)

PART_LATENCY, PART_REST, PART_ABSENCE, PART_DRIFT = 1, 2, 3, 4  # sub-streams of a group's draws
BID_RESTS, ASK_RESTS, AWAY = 1, 2, 4  # bits of `seen_off`
LOSSES_NS = 60e9  # how long losses to takers are remembered
STEEP_FROM = 3.0
RETRY_NS = 50_000_000  # after which a maker looks again who left a quote out because it would have traded
DRIFT_RANGE, DRIFT_EACH = 4.0, 32.0


@compiled
def quantile(p, maker, table, count, part):
    """A quantile of a table of times, drawn for this maker's `count`-th decision of that sort [ns]."""
    r0, r1, _, _ = philox(p.key, count, maker.index + 1, part)
    return load_i8(table, below(r0, r1, TABLE))


@compiled
def answer_views(w):
    """Let every maker look whose market's view moved in the event that is over."""
    w.views_moved = 0
    for k in range(w.n_makers):
        maker = maker_at(w.makers, k)
        v = view_at(w.views, maker.market)
        if v.moved:
            respond(w, market_at(w.markets, maker.market), v, np.int64(k), maker)
    for i in range(w.n_markets):
        if market_at(w.markets, i).has_view:
            view_at(w.views, i).moved = 0


@compiled
def respond(w, m, v, k, maker):
    """What the event that is over means to one maker: trades of its own, a step of the view, a large order, a move."""
    p = parameters_of(group_at(w.groups, maker.group))
    is_stirred = note_trades(w, m, maker)
    if v.moved & VIEW_STEP:
        is_stirred = take_step(w, v, p, maker) or is_stirred
    if v.moved & VIEW_ORDER and p.rest_share > 0.0 and v.order_ticklots >= p.large_ticklots:
        is_stirred = rest_side(w, v, p, k, maker) or is_stirred
    if is_stirred or abs(v.value - maker.quoted) > maker.trigger:
        look(w, v, p, k, maker)


@compiled
def note_trades(w, m, maker):
    """Write down what was traded since the last look, with what was paid; True if anything was."""
    position = position_at(w.positions, maker.position)
    lots = position.lots - maker.lots
    if lots == 0:
        return False
    a = account_at(w.accounts, position.account)
    cash = np.int64(a.cash_atoms + a.fees_atoms - a.funding_atoms)  # of trades alone
    paid = np.float64(maker.cash_atoms - cash) / np.float64(m.atoms)
    maker.bought_lots += np.float64(lots)
    maker.paid_ticklots += paid
    maker.traded_ticklots += abs(paid)
    maker.lots = position.lots
    maker.cash_atoms = cash
    return True


@compiled
def take_step(w, v, p, maker):
    """One step of the view: its own volatility, what it remembers of its losses, its size, whether it leaves or returns."""
    maker.variance += maker.weight * (v.square - maker.variance)
    kept = max(0.0, 1.0 - np.float64(v.step_ns) / LOSSES_NS)
    maker.bought_lots *= kept
    maker.paid_ticklots *= kept
    maker.traded_ticklots *= kept
    if p.drift_steps > 0 and v.steps % p.drift_steps == 0:
        r0, r1, _, _ = philox(p.key, v.steps, maker.index + 1, PART_DRIFT)
        maker.drift = p.drift_kept * maker.drift + p.drift_shock * load_f8(p.normal_table, below(r0, r1, TABLE))
    if maker.above == 0.0:
        return False
    times = math.sqrt(maker.variance) / usual_today(v)
    if maker.is_away == 0 and times > maker.above:
        maker.absences += 1
        maker.is_away = 1
        maker.away_until_ns = w.now_ns + quantile(p, maker, p.absence_table, maker.absences, PART_ABSENCE)
        return True
    if maker.is_away == 1 and times < maker.back and w.now_ns >= maker.away_until_ns:
        maker.is_away = 0
        return True
    return False


@compiled
def rest_side(w, v, p, k, maker):
    """After a large order: perhaps let the side that was hit rest for a while; True if so."""
    maker.rests += 1
    r0, r1, r2, _ = philox(p.key, maker.rests, maker.index + 1, PART_REST)
    if np.float64(r0) * TWO_32 >= p.rest_share:
        return False
    until = np.int64(w.now_ns + load_i8(p.rest_table, below(r1, r2, TABLE)))
    if v.order_side == BUY:
        maker.ask_rests_ns = max(np.int64(maker.ask_rests_ns), until)
    else:
        maker.bid_rests_ns = max(np.int64(maker.bid_rests_ns), until)
    look_at(w, k, maker, until)
    return True


@compiled
def look_at(w, k, maker, t_ns):
    """Let a maker look again at an instant."""
    send_message(w, t_ns, np.int64(maker.position), F_REQUOTE | F_LOOK, np.int64(0), np.int64(0), np.int64(-1), P_NORMAL, np.int64(-1), np.int64(-1), k)  # fmt: skip


@compiled
def look(w, v, p, k, maker):
    """Decide to quote anew at the view of this instant; the quotes are there after the maker's latency."""
    if maker.is_pending:
        maker.is_stirred = 1
        return
    maker.is_pending = 1
    maker.is_stirred = 0
    maker.looks += 1
    maker.seen = v.value
    off = np.int64(0)
    if maker.bid_rests_ns > w.now_ns:
        off |= BID_RESTS
    if maker.ask_rests_ns > w.now_ns:
        off |= ASK_RESTS
    if maker.is_away:
        off |= AWAY
    maker.seen_off = off
    drawn = np.float64(quantile(p, maker, p.requote_table, maker.looks, PART_LATENCY))
    there = np.int64(w.now_ns + np.int64(drawn * maker.latency_factor))
    send_message(w, there, np.int64(maker.position), F_REQUOTE, np.int64(0), np.int64(0), np.int64(-1), P_NORMAL, np.int64(-1), np.int64(-1), k)  # fmt: skip


@compiled
def receive_quotes(w, m, k, flags):
    """A maker's quotes reach the book, or (F_LOOK) the time has come at which it meant to look again."""
    maker = maker_at(w.makers, k)
    g = group_at(w.groups, maker.group)
    p = parameters_of(g)
    v = view_at(w.views, m.id)
    if not flags & F_LOOK:
        w.sent = 0
        w.wakeups += 1
        maker.is_pending = 0
        left_out = requote(w, g, m, v, p, maker)
        if w.sent == 0:
            w.micro_events += 1
        if left_out > 0 and maker.retry_ns <= w.now_ns:
            maker.retry_ns = w.now_ns + RETRY_NS
            look_at(w, k, maker, np.int64(maker.retry_ns))
        if not maker.is_stirred and abs(v.value - maker.quoted) <= maker.trigger:
            return
    look(w, v, p, k, maker)


@compiled
def widening(v, p, maker):
    """How many times its calm distance a maker stands away: volatility (per root of a minute) and recent losses."""
    volatility = math.sqrt(60.0 * maker.variance)
    hour = math.sqrt(v.hour)
    if hour > 0.0:
        volatility *= 1.0 - p.relative + p.relative * v.usual / hour
    more = p.volatility_spread * volatility
    more += p.steep * max(0.0, volatility - STEEP_FROM * math.sqrt(60.0) * v.usual)
    if p.toxicity > 0.0 and maker.traded_ticklots > 0.0:
        lost = maker.paid_ticklots - maker.bought_lots * v.value
        more += p.toxicity * max(0.0, lost / maker.traded_ticklots)
    return min(1.0 + more / p.first, p.widest)


@compiled
def size_now(p, maker, wide):
    """How many times its group's sizes a maker quotes: larger or smaller makers, their drift, less where it is wide."""
    factor = maker.size_factor * (1.0 - p.thinning + p.thinning / math.sqrt(wide))
    if p.drift_steps > 0:
        at = (min(max(maker.drift, -DRIFT_RANGE), DRIFT_RANGE) + DRIFT_RANGE) * DRIFT_EACH
        entry = min(np.int64(at), np.int64(2.0 * DRIFT_RANGE * DRIFT_EACH) - 1)
        low = load_f8(p.exponential_table, entry)
        factor *= low + (at - np.float64(entry)) * (load_f8(p.exponential_table, entry + 1) - low)
    return factor


@compiled
def requote(w, g, m, v, p, maker):
    """Bring the ladder to where it was decided: cancels first, then what is missing; return how many would have traded.

    Those are left out.
    """
    left_out = np.int64(0)
    maker.quoted = maker.seen
    position = np.int64(maker.position)
    account = np.int64(position_at(w.positions, position).account)
    a = account_at(w.accounts, account)
    wide = widening(v, p, maker)
    price = maker.seen
    maker.trigger = p.trigger * p.first * wide * price
    if a.state != S_NORMAL:
        return left_out
    off = np.int64(maker.seen_off)
    if np.float64(equity_atoms(w, account)) < p.least_equity * np.float64(a.deposit_atoms):
        off |= AWAY
    trader = trader_at(w.traders, g.first_trader + maker.index)
    inventory = np.float64(position_at(w.positions, position).lots - own_of(trader).base_lots) * price / maker.size_factor
    shift = min(max(p.skew_per_ticklot * inventory, -p.most_skew), p.most_skew)
    fair = price * (1.0 - shift)
    most = p.max_inventory_ticklots
    sizes = size_now(p, maker, wide)
    levels = np.int64(p.levels)
    row = maker.index * levels
    for side in range(2):
        rests = off & (BID_RESTS if side == BUY else ASK_RESTS)
        for level in range(levels):
            i = np.int64(load_i4(w.slots, trader.slots + side * levels + level))
            if i < 0:
                continue
            distance = price * load_f8(p.distance_table, row + level) * wide
            wanted = fair - distance if side == BUY else fair + distance
            order = order_at(w.orders, i)
            stays = abs(np.float64(order.price_ticks) - wanted) <= max(1.0, distance * p.hysteresis)
            if np.float64(order.remaining_lots) < p.refill * np.float64(order.size_lots):
                stays = False
            if off & AWAY or rests and distance < p.rest_within * price:
                stays = False
            if not stays:
                withdraw(w, position, np.int64(0), i)
    if off & AWAY:
        return left_out
    for side in range(2):
        if (inventory if side == BUY else -inventory) >= most:
            continue
        rests = off & (BID_RESTS if side == BUY else ASK_RESTS)
        for level in range(levels):
            slot = trader.slots + side * levels + level
            distance = price * load_f8(p.distance_table, row + level) * wide
            if load_i4(w.slots, slot) != FREE_SLOT or rests and distance < p.rest_within * price:
                continue
            size = lots_of(load_f8(p.size_table, level) * sizes, price)
            if side == BUY:
                wanted_ticks = np.int64(math.floor(fair - distance))
                crosses = wanted_ticks >= m.best_ask
            else:
                wanted_ticks = np.int64(math.ceil(fair + distance))
                crosses = wanted_ticks <= m.best_bid
            if crosses:
                left_out += 1
            else:
                place(w, m, position, np.int64(0), side, wanted_ticks, size, np.int64(F_POST_ONLY), slot)
    return left_out
