"""The fund's accounting: what its account holds and is worth, how much of it is clients', and why it changed.

`token_books` reads the account at the venue and writes it down; `attribution` and `decay` explain a result in parts;
`claims` are what clients are owed. Formulas of NAV and leverage are in `fund.nav`.
"""
