"""What an issuer charges a fund, and what it pays for it: management fees, absorbed costs, the keeper's reward."""
