"""Claims: verdicts on what is said of leveraged tokens, each computed from one run of scenarios/claims.

`verdicts` gives them; the evaluator of each claim is in `token_claims` (the token by itself), `fund_claims` (what a
fund holds) or `holder_claims` (what is done with a token). Nothing here knows what the answer should be: it follows
from the rows.
"""
