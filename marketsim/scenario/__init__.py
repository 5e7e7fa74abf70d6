"""The scenario language: from a file, or several, to the one explicit document that runs and is stored.

Lives here: reading YAML with positions (`loader`), merging, presets, overrides and origins (`resolve`), the composition
of all Specs (`schema`), the checks that a world is possible (`world`, `bounds`), what there is (`registry`), and saying
it in words (`describe`). May not live here: a parameter of its own; those are declared as Specs beside the code that
uses them (`venues`, `issuers`, `traders`), and this room only composes them.
"""
