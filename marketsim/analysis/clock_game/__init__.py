"""Issuers that choose when to reset: which choices are an equilibrium, and what it costs beyond the best schedule.

| module | what it holds |
|---|---|
| `symmetric_game` | a finite game of players that are alike: pure equilibria, the price of anarchy and of stability |
| `registered_clocks` | what a registration asks for, and which arm is which schedule |
| `game_costs` | what each schedule costs each fund, replication by replication |
| `clock_game` | the game of a study with its intervals: clock_schedules.parquet, clock_game.parquet |

Not here: what the resets of one run cost (`run_data.reset_costs`).
"""
