"""How a market matches: in a book, or at once by a formula, so that theory stands beside the book in one file.

Lives here: the family with what a kind brings (`family`), one file per kind (`book linear propagator square_root`),
and how impacts fade (`fading`). When orders are filled is `venues.clearing`'s.
"""
