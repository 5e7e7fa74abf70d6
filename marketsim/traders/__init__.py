"""The traders: kinds of groups, one file a kind (`kinds`), and the researcher's own agent (`agent`).

Lives here: what a group declares, what its kind says of itself and the register of kinds (`group`), what a group with a
desk on the clock is made of (`desk`, `follower`, `knowledge`), and how groups become rows of the kernel (`population`).
May not live here: the loop that wakes them and its rules (`kernel`), issuers (`issuers`; creation and redemption are
messages), prices and margin (`venues`).
"""
