"""Changes of a token besides its trading: reverse splits, suspension, delisting."""
