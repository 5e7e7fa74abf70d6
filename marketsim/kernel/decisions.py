"""Who wakes or goes on, and which rule then acts: the dispatch from a group's code to its rule, built from the files of `rules`."""

import numpy as np

from marketsim.kernel.codes import EXTERNAL_RULE, STOP_NO_RULE, STOP_RULE_FAILED
from marketsim.kernel.dispatch import by_code
from marketsim.kernel.layout import account_at, cohort_at, group_at, market_at, position_at, trader_at
from marketsim.kernel.records import compiled, pointer_call
from marketsim.kernel.rules import CODES, RULES
from marketsim.kernel.sending import latency

call_rule = pointer_call(5)


@compiled
def wake_elsewhere(w, g, m, trader, index, wakeup, delay):
    """Let an external rule act; a group whose code stands for nothing, or whose rule failed, stops the run."""
    if g.rule != EXTERNAL_RULE:
        w.stop = STOP_NO_RULE
        w.stop_argument = g.id
        return
    w.rule_ended = 0
    call_rule(g.rule_address, (np.int64(w.address), np.int64(g.id), index, wakeup, delay))
    if w.rule_ended == 0:
        w.stop = STOP_RULE_FAILED
        w.stop_argument = g.id


def dispatch():
    """One function that compares a group's code with those of all rules and lets the equal one act.

    It is written out as text: in a chain of functions each link would put all that follows through the compiler once more
    (measured with six: 28 s instead of 25).
    """
    arguments = "w, g, m, trader, index, wakeup, delay"
    lines = [f"def wake_by_rule({arguments}):", "    code = g.rule"]
    for name, code in CODES.items():
        lines += [f"    {'el' if code else ''}if code == {code}:", f"        {name}({arguments})"]
    lines += ["    else:", f"        wake_elsewhere({arguments})"]
    scope = {"wake_elsewhere": wake_elsewhere, **{name: rule.wake for name, rule in RULES.items()}}
    exec("\n".join(lines), scope)  # noqa: S102  # names of files of this room and their numbers
    return compiled(scope["wake_by_rule"])


wake_by_rule = dispatch()


@compiled
def wake(w, g, index, wakeup):
    """Wake trader `index` of group `g` for the `wakeup`-th time and let its rule act."""
    trader = trader_at(w.traders, g.first_trader + index)
    m = market_at(w.markets, g.market)
    w.sent = 0
    w.wakeups += 1
    w.touched = g.market
    delay = latency(g, index, wakeup)
    wake_by_rule(w, g, m, trader, index, wakeup, delay)
    if w.sent == 0:
        w.micro_events += 1


@compiled
def no_steps(w, g, m, trader, index, step):
    """A step of a rule that works on nothing over time stops the run."""
    w.stop = STOP_NO_RULE
    w.stop_argument = g.id


STEPPING = {name: rule.goes_on for name, rule in RULES.items() if rule.goes_on is not None}
go_on_by_rule = by_code("g.rule", {name: CODES[name] for name in STEPPING}, STEPPING, no_steps, "w, g, m, trader, index, step")


@compiled
def go_on(w, step):
    """Let the trader whom a step belongs to take it by its group's rule; no wake-up of its group's clock."""
    a = account_at(w.accounts, position_at(w.positions, step.position).account)
    g = group_at(w.groups, cohort_at(w.cohorts, a.cohort).group)
    w.sent = 0
    w.wakeups += 1
    w.touched = g.market
    go_on_by_rule(w, g, market_at(w.markets, g.market), trader_at(w.traders, a.trader), a.trader - g.first_trader, step)
    if w.sent == 0:
        w.micro_events += 1
