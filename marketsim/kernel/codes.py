"""Integer codes shared by the kernel and the rooms above: sides, flags, purposes, reasons, phases, stop codes."""

# Sides. `SIGN[side]` is 1 - 2 * side.
BUY = 0
SELL = 1

# Prices that stand for "no price on this side".
NO_BID = -1
NO_ASK = 4_611_686_018_427_387_904

RATE_ONE = 100_000_000  # fee and margin rates are whole parts of 1e8

# Order flags (bits).
F_IOC = 1  # what does not trade at once is cancelled
F_POST_ONLY = 2  # rejected if it would trade
F_SLIDE = 4  # post-only, but moved to one tick behind the opposite best instead of rejected
F_REDUCE = 8  # clipped to the position it reduces
F_NO_MARGIN = 16  # venue's own orders: no initial-margin check
F_NOTIFY = 32  # the owner is told of every change (issuers, agents)
F_MARKET = 64  # no limit price
F_CONTINUE = 128  # rest of an order that met the bound on fills of one message; not counted again
F_FAR = 256  # rests in the sorted far list, outside the window of levels
F_SIDE = 512  # set for a sell (only inside messages)
F_CANCEL = 1024  # the message cancels (only inside messages)
F_ENGINE = 2048  # the liquidation engine's, for an account that waits for it (only inside messages)
F_STEP = 4096  # no order: the next step of what a trader works on over time (only inside messages)
F_REQUOTE = 8192  # a maker's new quotes, or (with F_LOOK) its next look (only inside messages)
F_LOOK = 16384

MAX_FILLS = 4096  # fills of one message before the rest is put back at the head of the same instant

# Purposes of an order, as in the `trades` table.
P_NORMAL, P_REBALANCE, P_CREATION, P_REDEMPTION, P_LIQUIDATION, P_DELEVERAGING, P_HEDGE, P_ARBITRAGE, P_ANTICIPATION, P_PLACEBO = range(10)
PURPOSES = (
    "normal",
    "rebalance",
    "creation",
    "redemption",
    "liquidation",
    "deleveraging",
    "hedge",
    "arbitrage",
    "anticipation",
    "placebo",
)

# Reasons why an order ended or was refused, as in the `orders` table.
R_NONE, R_FILLED, R_CANCELLED, R_IOC_REST, R_POST_ONLY, R_REDUCE_ONLY, R_MARGIN, R_SIZE, R_PRICE, R_UNKNOWN, R_SELF_TRADE, R_LIQUIDATION, R_EMPTY_BOOK, R_BAND, R_HOLDING, R_HALTED, R_FUNDS, R_NO_BOOK = range(18)
REASONS = (
    "none",
    "filled",
    "cancelled",
    "ioc_remainder",
    "post_only",
    "reduce_only",
    "insufficient_margin",
    "bad_size",
    "bad_price",
    "unknown_order",
    "self_trade",
    "in_liquidation",
    "empty_book",
    "price_band",
    "holding_cap",
    "halted",
    "insufficient_funds",
    "no_book",
)

# Actions of the `orders` log.
A_PLACE, A_CANCEL, A_REJECT = range(3)
ACTIONS = ("place", "cancel", "reject")

# Order types of the `orders` log.
T_LIMIT, T_MARKET, T_IOC, T_POST_ONLY = range(4)
ORDER_TYPES = ("limit", "market", "ioc", "post_only")

# Rules of trader groups that no file of `kernel/rules` has; the files' own codes count from 0 (`kernel.rules.CODES`).
NO_RULE = -1  # nobody of the group ever wakes
EXTERNAL_RULE = -2  # the group's record has the address of its rule

# What a trader's slot holds when it is not the record of its resting order.
FREE_SLOT = -1
PENDING_SLOT = -2  # the order is on its way

EVERY_MARKET = -1  # what an event has touched: a liquidation may touch any book, an index any market without one

# Market kinds.
PERPETUAL, SPOT = range(2)

# How a market matches: in a book, or by a formula (`formula`) that only Python knows, or that is here too.
BOOK, FORMULA, LINEAR, SQUARE_ROOT = range(4)

# Account flags (bits).
ACC_NO_MARGIN = 1  # ledger accounts: no margin, never liquidated
ACC_WATCHED = 2  # fills become notices
ACC_OUTSIDE = 4  # counted in no open interest
ACC_FUND = 8  # a token's account
ACC_LEDGER = 16  # insurance, venue, outside ...: last in deleveraging
ACC_NO_TIERS = 32  # unlimited size: no margin, but liquidated once equity is negative

# Account states.
S_NORMAL, S_QUEUED = range(2)

# Phases of one instant, in order. Python's processes sit at DELIVERY, DECISION and RECORD; FADING and CLEARING are of
# markets without a book: what an impact has lost by now, and the orders of this instant, filled together.
PH_FADING = -80
PH_INDEX = -70
PH_MARK = -60
PH_FUNDING = -50
PH_LIQUIDATION = -40
PH_ARRIVAL = -30
PH_DELIVERY = -20
PH_DECISION = 1
PH_CLEARING = 5
PH_RECORD = 10

# Why `advance` came back.
STOP_REACHED, STOP_NOTICE, STOP_SPACE, STOP_LOG, STOP_PATH, STOP_NO_RULE, STOP_RULE_FAILED, STOP_NO_MARKET_RULE = range(8)
SPACE_ORDERS, SPACE_MESSAGES, SPACE_QUEUE = range(3)

# Price sources of a crossing trigger.
SRC_MARK, SRC_INDEX, SRC_LAST, SRC_MID = range(4)

# Notices.
N_FILL, N_DONE, N_RESTING, N_CROSSING, N_LIQUIDATION, N_REQUEST, N_IMPACT = range(7)

# Ledger entries, in the order of the flow matrix.
E_TRADE, E_FEE, E_FUNDING, E_LIQUIDATION_FEE, E_INSURANCE, E_DELEVERAGING, E_MANAGEMENT, E_CREATION, E_REDEMPTION, E_PRIMARY_FEE, E_ROUNDING, E_TOP_UP, E_INTEREST = range(13)
ENTRIES = (
    "trade",
    "trading_fee",
    "funding",
    "liquidation_fee",
    "insurance",
    "deleveraging",
    "management_fee",
    "creation",
    "redemption",
    "primary_fee",
    "rounding",
    "top_up",
    "interest",
)

# How far a liquidation went: orders in the book alone, of part or all of it; the insurance fund took the rest over; the
# rest was closed against the other side, or `outside`.
L_PARTIAL, L_TAKEOVER, L_DELEVERAGED = range(3)
STAGES = ("partial", "takeover", "deleveraged")
