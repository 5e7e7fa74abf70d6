"""Resets of one token: when it looks, what its policy answers, and how that becomes orders."""
