"""From a resolved scenario to one world of the kernel, part by part.

Lives here: the whole (`wire`) and what it gives (`wired`); the markets and their numbers (`markets`), the accounts
beyond the traders' (`accounts`), what is held when a run begins and who has the other side (`opening`), the kernel's
rows of indices and markets (`rows`), whom each holder looks at (`neighbours`). May not live here: processes on the
clock (`simulation.model` starts them), rows of traders (`traders.population`).
"""
