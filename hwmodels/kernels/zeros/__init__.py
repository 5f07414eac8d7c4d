"""Kernels that cost mappings with zeros: metadata of tiles, gating and skipping, and the search over them."""
