"""What a market is marked at: one file a rule, a compiled function of the file's name, `K(w, m)` [ticks, a float].

It is asked while both sides of the book have orders; a rule that goes by trades says what holds before the first one.
Codes count through the files in alphabetical order; the same name has its exact arithmetic, its word in a scenario and its
sentence in `venues`. Importing this imports none of them.
"""

from pkgutil import iter_modules

CODES = {name: code for code, name in enumerate(sorted(module.name for module in iter_modules(__path__)))}
