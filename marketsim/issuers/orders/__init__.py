"""Orders of a fund: parent orders, the children sent for them, their fills, and what is measured afterwards.

How a parent is cut into children is decided in `algorithms`, how large it is in `policies`; here it is sent, filled and
accounted for.
"""
