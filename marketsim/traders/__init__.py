"""The traders: one file per kind, with its Spec and its rules, and the researcher's own agent.

Lives here: what a kind of trader wants, its parameters, and how a group becomes rows of the kernel (`population`).
May not live here: the loop that wakes them (`kernel`), issuers (`issuers`; creation and redemption are messages),
prices and margin (`venues`).
"""
