"""The kernel's records, field by field, and the accessors that reach them.

Sizes matter: a trader without resting orders costs TRADER + ACCOUNT + POSITION = 48 + 64 + 64 = 176 bytes, four
order slots included. Links (`i4`) are record indices, -1 for none; nothing is ever computed with them. Money is atoms, prices ticks,
sizes lots.
"""

import numpy as np

from marketsim.kernel.records import accessor, overlay

PARAMETER_WORDS = 32  # of 8 bytes: the largest record of parameters a rule of trader groups may have
OWN_WORDS = 2  # the same for the numbers that each trader has of its own

HEADER = np.dtype(
    [
        ("now_ns", "i8"),
        ("stop", "i8"),
        ("stop_argument", "i8"),
        # what there is
        ("n_underlyings", "i8"),
        ("n_markets", "i8"),
        ("n_groups", "i8"),
        ("n_cohorts", "i8"),
        ("n_accounts", "i8"),
        ("n_positions", "i8"),
        # addresses (left out of the digest)
        ("address", "i8"),  # of this record
        ("place_door", "i8"),  # functions through which external rules send
        ("withdraw_door", "i8"),
        ("underlyings", "i8"),
        ("markets", "i8"),
        ("groups", "i8"),
        ("cohorts", "i8"),
        ("accounts", "i8"),
        ("positions", "i8"),
        ("places", "i8"),
        ("traders", "i8"),
        ("slots", "i8"),
        ("views", "i8"),
        ("makers", "i8"),
        ("stakes", "i8"),
        ("orders", "i8"),
        ("messages", "i8"),
        ("heap", "i8"),
        ("crossings", "i8"),
        ("flows", "i8"),
        ("exponential", "i8"),
        ("halvings", "i8"),
        ("excitations", "i8"),
        ("trade_log", "i8"),
        ("order_log", "i8"),
        ("quote_log", "i8"),
        ("liquidation_log", "i8"),
        ("deleveraging_log", "i8"),
        ("notices", "i8"),
        # orders and messages
        ("orders_capacity", "i8"),
        ("free_order", "i8"),
        ("live_orders", "i8"),
        ("next_order_id", "i8"),
        ("messages_capacity", "i8"),
        ("free_message", "i8"),
        ("heap_size", "i8"),
        ("arrival_key", "i8"),  # of the draws that order messages of one instant
        ("message_seq", "i8"),
        ("crossings_capacity", "i8"),
        ("live_crossings", "i8"),
        ("crossings_inside", "i8"),
        # makers that learn from the flow
        ("n_makers", "i8"),
        ("views_moved", "i8"),  # 1: some maker may have something to do before the next event
        # logs: rows used and rows there are (left out of the digest)
        ("trades_n", "i8"),
        ("trades_capacity", "i8"),
        ("orders_n", "i8"),
        ("orders_log_capacity", "i8"),
        ("quotes_n", "i8"),
        ("quotes_capacity", "i8"),
        ("liquidations_n", "i8"),
        ("liquidations_capacity", "i8"),
        ("deleveragings_n", "i8"),
        ("deleveragings_capacity", "i8"),
        ("notices_n", "i8"),
        ("notices_capacity", "i8"),
        ("log_orders", "i8"),
        ("log_quotes", "i8"),
        ("log_trades", "i8"),
        # counts
        ("micro_events", "i8"),
        ("wakeups", "i8"),
        ("order_count", "i8"),
        ("cancel_count", "i8"),
        ("reject_count", "i8"),
        ("trade_count", "i8"),
        ("liquidation_count", "i8"),
        ("deleveraging_count", "i8"),
        ("rounds", "i8"),
        # scratch of one message: what `submit` says beside the filled lots
        ("resting", "i8"),
        ("reason", "i8"),
        ("limited", "i8"),
        ("sent", "i8"),
        ("touched", "i8"),
        ("rule_ended", "i8"),  # set by an external rule when it is through
    ]
)
ADDRESSES = (
    "address place_door withdraw_door underlyings markets groups cohorts accounts positions places traders slots views makers stakes orders messages heap crossings flows exponential halvings excitations "
    "trade_log order_log quote_log liquidation_log deleveraging_log notices"
).split()
LOG_COUNTERS = (
    "trades_n trades_capacity orders_n orders_log_capacity quotes_n quotes_capacity liquidations_n liquidations_capacity "
    "deleveragings_n deleveragings_capacity notices_n notices_capacity log_orders log_quotes log_trades stop stop_argument "
    "resting reason limited sent touched rule_ended rounds n_makers views_moved"
).split()

UNDERLYING = np.dtype(
    [
        ("level", "f8"),  # index price in quote units
        ("every_ns", "i8"),
        ("next_ns", "i8"),
        ("step", "i8"),  # steps done; step k happens at k * every
        ("absolute", "i8"),  # 1: the path holds levels, 0: growth factors
        ("path", "i8"),  # address of the chunk
        ("path_first", "i8"),
        ("path_n", "i8"),
        ("learning", "f8"),  # share of the deviation learned at one step
        ("learning_market", "i8"),
        # an index of markets: address of (market, weight) pairs, how many; the deviation from their median beyond which
        # a price is drawn to that border (1) or left out (0), 0.0 for none
        ("sources", "i8"),
        ("n_sources", "i8"),
        ("outlier", "f8"),
        ("clamps", "i8"),
    ]
)

MARKET = np.dtype(
    [
        ("id", "i8"),
        ("underlying", "i8"),
        ("kind", "i8"),  # PERPETUAL or SPOT
        ("atoms", "i8"),  # atoms per tick and lot
        ("inverse_tick", "f8"),
        ("has_view", "i8"),  # 1: its makers share a view (`views`)
        ("maker_fee", "i8"),  # parts of 1e8
        ("taker_fee", "i8"),
        ("venue_account", "i8"),
        ("insurance_account", "i8"),
        ("outside_account", "i8"),
        ("rounding_account", "i8"),
        # book
        ("levels", "i8"),
        ("bitmap", "i8"),
        ("window", "i8"),  # number of levels, a power of two
        ("floor", "i8"),  # lowest price of the window
        ("best_bid", "i8"),
        ("best_ask", "i8"),
        ("bid_levels", "i8"),
        ("ask_levels", "i8"),
        ("far_bid", "i8"),  # head of the far list, best first
        ("far_bid_last", "i8"),
        ("far_ask", "i8"),
        ("far_ask_last", "i8"),
        # prices
        ("index_ticks", "i8"),
        ("latent", "i8"),  # number of the underlying's latent fundamental among the underlyings, -1: none
        ("latent_ticks", "f8"),  # its level, not rounded; 0 where there is none
        ("mark_ticks", "i8"),
        ("last_ticks", "i8"),
        ("volume_lots", "i8"),
        ("volume_before", "i8"),  # volume before the instant of the last trade
        ("last_trade_ns", "i8"),
        ("open_interest", "i8"),
        ("trade_seq", "i8"),
        ("mark_rule", "i8"),  # codes of `mark_rules`, `liquidation_engines`, `deleveraging_rules`
        ("liquidation_engine", "i8"),
        ("deleveraging_rule", "i8"),
        ("mark_every_ns", "i8"),
        ("next_mark_ns", "i8"),
        ("basis", "i8"),  # address: ring of 2 * (mid - index)
        ("basis_length", "i8"),
        ("basis_count", "i8"),
        ("basis_sum", "i8"),
        ("memory", "f8"),  # public exponential average of the deviation (a fraction)
        ("memory_weight", "f8"),  # of one mark step
        ("history", "i8"),  # address: ring of bid + ask at every mark step
        ("history_length", "i8"),
        ("history_count", "i8"),
        # funding
        ("funding_rate", "f8"),  # last settled
        ("funding_every_ns", "i8"),
        ("funding_next_ns", "i8"),
        ("sample_every_ns", "i8"),
        ("next_sample_ns", "i8"),
        ("impact_ticklots", "f8"),
        ("premium", "f8"),
        ("premium_n", "i8"),
        ("premium_sum", "i8"),  # 1e-12 units
        ("premium_weighted", "i8"),
        # margin and liquidation
        ("tiers", "i8"),
        ("n_tiers", "i8"),
        ("long_heads", "i8"),
        ("short_heads", "i8"),
        ("buckets", "i8"),
        ("bucket_shift", "i8"),
        ("box_low", "i8"),
        ("box_high", "i8"),
        ("queue", "i8"),
        ("queue_capacity", "i8"),
        ("queue_head", "i8"),
        ("queue_tail", "i8"),
        ("queue_budget", "i8"),  # entries still to be worked on at this instant
        ("liquidations_per_step", "i8"),  # entries worked on at one mark step, 0: all
        ("liquidation_due_ns", "i8"),
        ("liquidation_delay_ns", "i8"),  # an engine's way to the book, 0: its orders are there at once
        ("liquidation_slice_atoms", "i8"),  # largest notional of one order of the engine, 0: no limit
        ("liquidation_cap_atoms", "i8"),  # largest notional of its orders at one mark step, 0: no limit
        ("liquidation_left_atoms", "i8"),  # what is left of it at this step
        ("liquidation_fee", "i8"),
        ("cascade", "i8"),
        ("cascade_side", "i8"),
        ("cascade_ns", "i8"),
        ("cascade_parent", "i8"),
        ("volume_ticklots", "f8"),
        # a market without a book
        ("matching", "i8"),  # BOOK, or the formula
        ("impact", "f8"),  # what orders have moved the price from the index, alive now [quote units]
        ("kept", "f8"),  # share of the impacts that Python remembers which the index has not learned since
        ("impact_scale", "f8"),  # of one lot [quote units]; SQUARE_ROOT: of the root of one lot's worth at a price of 1, per unit of index
        ("fill_share", "f8"),  # of its own impact that an order pays
        ("is_fading", "i8"),  # Python hears of every impact, and lets it fade
        ("clearing_ticks", "i8"),  # the one price of orders that are filled together, 0 outside of that
        # who is deleveraged next (left out of the digest: made anew at every instant that needs it)
        ("ranked_ns", "i8"),  # instant whose ranking this is, -1: none
        ("first_long", "i8"),
        ("first_short", "i8"),
        ("moved", "i8"),  # head of the list of positions to be ranked anew
        # a token's own market
        ("nav_account", "i8"),  # the fund whose NAV is the index, -1 for none
        ("supply_lots", "i8"),
        ("claim_atoms", "i8"),  # what of the fund is clients', whose requests are under way: this, and
        ("claim_lots", "i8"),  # so many lots of `claim_market` at its mark
        ("claim_market", "i8"),
        ("halted", "i8"),
        ("primary_open", "i8"),  # holders may ask the fund for creation and redemption
        ("price_band", "f8"),  # limit prices may lie this share of the index away, 0 for no limit
        ("holding_cap", "i8"),  # lots one account may hold, 0 for no limit
        ("management_per_lot", "f8"),  # what one lot has paid since the start [atoms]
        ("funding_per_lot", "f8"),
        # last row of the quote log (left out of the digest: recording moves nothing)
        ("logged_bid", "i8"),
        ("logged_bid_lots", "i8"),
        ("logged_ask", "i8"),
        ("logged_ask_lots", "i8"),
    ]
)
MARKET_ADDRESSES = "levels bitmap basis history tiers long_heads short_heads queue".split()
QUOTE_MEMORY = "logged_bid logged_bid_lots logged_ask logged_ask_lots".split()
RANKING = "ranked_ns first_long first_short moved".split()

TIER = np.dtype([("floor_atoms", "i8"), ("maintenance", "i8"), ("amount_atoms", "i8"), ("max_leverage", "f8")])

LEVEL = np.dtype([("lots", "i8"), ("head", "i4"), ("tail", "i4")])

ORDER = np.dtype(
    [
        ("order_id", "i8"),
        ("price_ticks", "i8"),
        ("size_lots", "i8"),
        ("remaining_lots", "i8"),
        ("account", "i4"),
        ("position", "i4"),
        ("prev", "i4"),
        ("next", "i4"),
        ("slot", "i4"),
        ("parent", "i4"),
        ("market", "i2"),
        ("side", "i1"),
        ("purpose", "i1"),
        ("bits", "i4"),
    ]
)

ACCOUNT = np.dtype(
    [
        ("cash_atoms", "i8"),
        ("deposit_atoms", "i8"),
        ("fees_atoms", "i8"),
        ("funding_atoms", "i8"),
        ("first_position", "i4"),
        ("cohort", "i4"),
        ("trader", "i4"),
        ("state", "i4"),
        ("bits", "i4"),
        ("liquidations", "i4"),
        ("n_positions", "i4"),
        ("leverage_cap", "i4"),  # 0: the tier's
    ]
)

POSITION = np.dtype(
    [
        ("lots", "i8"),
        ("open_buy", "i8"),
        ("open_sell", "i8"),
        ("entry_ticklots", "i8"),  # sum of price x lots of what is held, unsigned
        ("trigger_ticks", "i8"),  # where a perpetual's position is to be looked at
        ("account", "i4"),
        ("market", "i4"),
        ("next", "i4"),
        ("prev", "i4"),
        ("bucket", "i4"),  # list of triggers it is filed in, -1: not filed
        ("sibling", "i4"),
    ]
)
# A spot market has no triggers. Its positions' records are POSITION with other names for the two places that would stay empty.
SPOT_NAMES = {"trigger_ticks": "reserved_ticklots", "bucket": "stake"}  # what resting bids cost; the number of its stake, -1: none kept
SPOT_POSITION = np.dtype([(SPOT_NAMES.get(name, name), kind) for name, kind in POSITION.descr])

PLACE = np.dtype(
    [
        ("score", "f8"),
        ("child", "i4"),  # of the heap of its market and side: the first of those that come after it,
        ("next", "i4"),  # its neighbours among the children of its parent;
        ("before", "i4"),  # for the first of them the parent
        ("side", "i4"),  # 1 among the longs, -1 among the shorts, 0 in no heap
        ("next_moved", "i4"),
        ("is_moved", "i4"),
    ]
)
"""A position's place in the order of deleveraging; record by record beside POSITION."""

STAKE = np.dtype(
    [
        ("bought_atoms", "i8"),
        ("sold_atoms", "i8"),
        ("fees_atoms", "i8"),
        ("opening_lots", "i8"),
        ("management_atoms", "f8"),
        ("management_seen", "f8"),  # the market's per-lot sum when the holding last changed
        ("funding_atoms", "f8"),
        ("funding_seen", "f8"),
    ]
)
"""What one holder of a token paid and got; the positions of its market point here by `stake`."""

TRADER = np.dtype(
    [
        ("own", "i8", (OWN_WORDS,)),  # the trader's own numbers, under the names that its group's rule gives them
        ("account", "i4"),
        ("position", "i4"),
        ("wakeups", "i4"),
        ("slots", "i4"),  # number of its first slot
        # up to four slots stand here, in the line that every wake-up reads; more stand behind all traders
        ("slot_0", "i4"),
        ("slot_1", "i4"),
        ("slot_2", "i4"),
        ("slot_3", "i4"),
    ]
)
SLOT_OFFSET = TRADER.fields["slot_0"][1]
INLINE_SLOTS = 4

GROUP = np.dtype(
    [
        ("id", "i8"),
        ("rule", "i8"),  # code of a file of `kernel/rules`, NO_RULE or EXTERNAL_RULE
        ("rule_address", "i8"),  # of the function of an external rule
        ("market", "i8"),
        ("first_trader", "i8"),
        ("count", "i8"),
        ("key", "u8"),
        ("wake_count", "i8"),
        ("next_wake_ns", "i8"),
        ("next_trader", "i8"),  # who wakes then
        ("mean_gap_ns", "f8"),
        ("is_thinned", "i8"),  # its clock has hours of the day or excitations (`clocks`); what follows is of such a clock:
        ("baseline_per_ns", "f8"),  # wake-ups that nothing excited
        ("hour", "i8"),  # of the day, UTC,
        ("hour_weight", "f8"),
        ("hour_ends_ns", "i8"),
        ("hour_weights", "i8"),  # address of 24
        ("first_excitation", "i8"),
        ("n_excitations", "i8"),
        ("latency_ns", "i8"),
        ("latency_table", "i8"),  # address of 4096 quantiles, 0: constant
        ("slots_each", "i8"),
        ("on_index", "i8"),
        ("requote_ns", "i8"),  # instant of a pending round of requotes, or NEVER
        ("requote_cursor", "i8"),
        ("requote_round", "i8"),
        ("first_maker", "i8"),  # of its traders' records of makers, -1: they keep none
        ("parameters", "i8", (PARAMETER_WORDS,)),  # under the names that the rule gives them
    ]
)
GROUP_MEANS = "rule rule_address hour_weights latency_table parameters".split()
"""What a digest does not take as it is: codes and addresses; the numbers among the parameters are taken apart."""

EXCITATION = np.dtype(
    [
        ("per_ns", "f8"),  # wake-ups that past ones have excited, now
        ("jump_per_ns", "f8"),  # what one wake-up adds
        ("half_lives_per_ns", "f8"),
    ]
)
"""One exponential of the kernel by which a group's wake-ups excite later ones."""

COHORT = np.dtype([("own_fees", "i8"), ("maker_fee", "i8"), ("taker_fee", "i8"), ("group", "i8")])

MESSAGE = np.dtype(
    [
        ("price_ticks", "i8"),
        ("size_lots", "i8"),
        ("order_id", "i8"),
        ("position", "i4"),
        ("bits", "i4"),
        ("purpose", "i4"),
        ("slot", "i4"),
        ("parent", "i4"),
        ("order", "i4"),
        ("next", "i4"),
        ("spare", "i4"),
    ]
)

# A message that is the next step of a parent order carries the parent in the places that only orders need.
STEP_NAMES = {
    "price_ticks": "gap_ns",  # mean time between its children
    "order_id": "wakeup",  # of its trader, at which it began: all its draws are keyed by it
    "purpose": "informed",
    "slot": "left",  # children still to be sent
    "order": "number",  # of the child that is due
}
STEP = np.dtype([(STEP_NAMES.get(name, name), kind) for name, kind in MESSAGE.descr])

HEAP = np.dtype([("t_ns", "i8"), ("key", "i8")])  # key: `kernel/messages.py`

CROSSING = np.dtype([("market", "i8"), ("source", "i8"), ("above", "i8"), ("price_ticks", "i8"), ("live", "i8")])

TRADE_LOG = np.dtype(
    [
        ("t_ns", "i8"),
        ("price_ticks", "i8"),
        ("size_lots", "i8"),
        ("taker_order", "i8"),
        ("maker_order", "i8"),
        ("taker_account", "i4"),
        ("maker_account", "i4"),
        ("taker_parent", "i4"),
        ("maker_parent", "i4"),
        ("market", "i2"),
        ("taker_side", "i1"),
        ("taker_purpose", "i1"),
        ("maker_purpose", "i1"),
        ("spare", "i1"),
        ("spare2", "i2"),
    ]
)

ORDER_LOG = np.dtype(
    [
        ("t_ns", "i8"),
        ("order_id", "i8"),
        ("price_ticks", "i8"),
        ("size_lots", "i8"),
        ("remaining_lots", "i8"),
        ("account", "i4"),
        ("market", "i2"),
        ("action", "i1"),
        ("side", "i1"),
        ("order_type", "i1"),
        ("reason", "i1"),
        ("spare", "i2"),
        ("spare2", "i4"),
    ]
)

QUOTE_LOG = np.dtype(
    [("t_ns", "i8"), ("bid_ticks", "i8"), ("bid_lots", "i8"), ("ask_ticks", "i8"), ("ask_lots", "i8"), ("market", "i8")]
)

LIQUIDATION_LOG = np.dtype(
    [
        ("t_ns", "i8"),
        ("account", "i8"),
        ("market", "i8"),
        ("size_lots", "i8"),
        ("entry_price", "f8"),
        ("leverage", "f8"),
        ("mark_ticks", "i8"),
        ("index_ticks", "i8"),
        ("bankruptcy_price", "f8"),
        ("filled_lots", "i8"),
        ("filled_ticklots", "i8"),
        ("fee_atoms", "i8"),
        ("insurance_atoms", "i8"),
        ("deleveraged_lots", "i8"),
        ("stage", "i8"),
        ("cascade", "i8"),
        ("parent", "i8"),
        ("solvent_at_index", "i8"),
    ]
)

DELEVERAGING_LOG = np.dtype(
    [
        ("t_ns", "i8"),
        ("market", "i8"),
        ("account", "i8"),
        ("size_lots", "i8"),
        ("price_ticks", "i8"),
        ("rank", "i8"),
        ("cascade", "i8"),
    ]
)

NOTICE = np.dtype(
    [
        ("t_ns", "i8"),
        ("kind", "i8"),
        ("account", "i8"),
        ("market", "i8"),
        ("order_id", "i8"),
        ("lots", "i8"),
        ("price_ticks", "i8"),
        ("mark_ticks", "i8"),
        ("index_ticks", "i8"),
        ("fee_atoms", "i8"),
        ("remaining_lots", "i8"),
        ("reason", "i8"),
        ("other_account", "i8"),
    ]
)

header_at = accessor(HEADER)
underlying_at = accessor(UNDERLYING)
market_at = accessor(MARKET)
tier_at = accessor(TIER)
level_at = accessor(LEVEL)
order_at = accessor(ORDER)
account_at = accessor(ACCOUNT)
position_at = accessor(POSITION)
place_at = accessor(PLACE)
spot_of = overlay(POSITION, None, SPOT_POSITION)
stake_at = accessor(STAKE)
trader_at = accessor(TRADER)
group_at = accessor(GROUP)
excitation_at = accessor(EXCITATION)
cohort_at = accessor(COHORT)
message_at = accessor(MESSAGE)
step_of = overlay(MESSAGE, None, STEP)
heap_at = accessor(HEAP)
crossing_at = accessor(CROSSING)
trade_log_at = accessor(TRADE_LOG)
order_log_at = accessor(ORDER_LOG)
quote_log_at = accessor(QUOTE_LOG)
liquidation_log_at = accessor(LIQUIDATION_LOG)
deleveraging_log_at = accessor(DELEVERAGING_LOG)
notice_at = accessor(NOTICE)
