"""Token against perpetual: what a token's holder would have had with a perpetual position of the same cash.

`token_against_perpetual` compares them; `holder_flows` tells what each holder put in and took out, `perpetual_tape` the
prices and terms of the perpetual, `replicating_position` the account that holds it.
"""
