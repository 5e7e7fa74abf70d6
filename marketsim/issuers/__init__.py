"""Issuers of leveraged tokens: who holds the perpetuals behind a token, and who decides when to trade them.

| where | what |
|---|---|
| `token_spec` | what a scenario declares of a token, and how the token opens |
| `desk`, `desk_assembly` | one token as the simulation sees it; how its parts are put together |
| `resets` | when a token looks, what its policy is asked, how a decision becomes orders |
| `policies` | rebalance policies: to which leverage, and when |
| `algorithms` | execution algorithms: how a parent order is cut into children |
| `orders` | parent orders, their children and fills, hedges, what is measured afterwards |
| `fund` | the token's state, holders of its units, NAV and leverage as formulas |
| `books` | what the account holds and is worth, and why it changed |
| `fees` | what the issuer charges, and what it pays in the fund's place |
| `primary_market` | creation and redemption |
| `life_cycle` | status, suspension, splits, delisting |
| `disclosure` | what may be known of the next reset |
| `context`, `random_draws` | what every part may hold; what the token's random stream decides |

Not here: what a venue does with an order (`venues`), what holders of a token want (`traders`), how a row is stored
(`datasets`). An issuer reads `venues.view` and acts through `venues.gateway`; it never sees a trader, and no venue
knows what an issuer is. No part of a desk holds the desk: each takes the few things it reads and may do.
"""
