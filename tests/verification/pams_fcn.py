"""Runs PAMS by itself: prices and volumes of a market of its FCN agents, as one JSON list a seed.

A program of an environment that has `pams`, which this one has not: SEEDS STEPS SETTINGS, the last as JSON of the
agents. One agent places an order at a step, at random; there is no session without executions, so that the book is
empty at first.
"""

import contextlib
import json
import random
import sys
import warnings

from pams.runners.sequential import SequentialRunner

SETTINGS = {
    "simulation": {
        "markets": ["Market"],
        "agents": ["Agents"],
        "sessions": [
            {
                "sessionName": 0,
                "iterationSteps": 0,
                "withOrderPlacement": True,
                "withOrderExecution": True,
                "withPrint": False,
                "maxNormalOrders": 1,
            }
        ],
    },
    "Market": {"class": "Market", "tickSize": 0.001, "marketPrice": 300.0},
    "Agents": {
        "class": "FCNAgent",
        "numAgents": 400,
        "markets": ["Market"],
        "assetVolume": 50,
        "cashAmount": 10_000,
    },
}


def main(seeds: str, steps: str, agents: str) -> None:
    warnings.simplefilter("ignore")  # prices are put on the tick, as they are here
    SETTINGS["simulation"]["sessions"][0]["iterationSteps"] = int(steps)
    SETTINGS["Agents"] |= json.loads(agents)
    for seed in range(int(seeds)):
        runner = SequentialRunner(settings=SETTINGS, prng=random.Random(seed))
        with contextlib.redirect_stdout(sys.stderr):  # it says how long it took
            runner.main()
        (market,) = runner.simulator.markets
        times = range(int(steps))
        sys.stdout.write(json.dumps([market.get_market_prices(times), market.get_executed_volumes(times)]) + "\n")


main(*sys.argv[1:])
