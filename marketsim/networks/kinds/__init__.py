"""The kinds of networks of influence: one file a kind, found by its file; how to draw its links and say them in words.

May not live here: what all kinds have (`networks.influence`), a member's row of neighbours (`networks.links`).
"""
