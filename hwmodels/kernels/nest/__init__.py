"""Kernels of the loop-nest engine: costs of mappings, and the search over them."""
