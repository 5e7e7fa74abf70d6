"""What of a running world is written down, and when; recording moves nothing in the world.

Lives here: the cadences and the end of a run (`model_recorder`), rows of the kernel's logs (`logs`), snapshots of
markets and tokens (`snapshots`), and what accounts and cohorts hold and pay each other (`accounts`). May not live
here: a table's columns (`datasets`), the holders of tokens (`holding`).
"""
