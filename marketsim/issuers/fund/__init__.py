"""The fund itself: the state of its token, who holds the units, what NAV and leverage come to.

Arithmetic without time is in `nav`; how the account came to stand as it does is in `books`.
"""
