"""Zeros on machines of levels: formats, gating and skipping, what they save, and the search over them."""
