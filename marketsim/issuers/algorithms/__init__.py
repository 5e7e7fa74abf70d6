"""Execution algorithms, one file a family: how one parent order becomes timed children.

Here: what a plan sees and answers (`child`), and the families, each with its declaration: `immediate` (market, off the
book), `ladder`, `slices` (twap, hidden), `participation` (pov, and the cap others may have), `passive`. Not here:
sending a child, hearing of its fills and giving up (`dealer`), what is traded and why (`policies`). `execution` makes
the plan a declaration asks for. A plan is pure: lots a child could not fill stay in what remains, so it never loses
any; what remains at the end is the parent's backlog.
"""
