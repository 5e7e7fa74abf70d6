"""The fund itself: the token's state, who holds its units, what NAV and leverage come to, which state it may take.

Arithmetic without time is in `nav`; how the account came to stand as it does is in `books`.
"""
