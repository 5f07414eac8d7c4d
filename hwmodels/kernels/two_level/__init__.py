"""Kernels of machines with one level on chip: the sweep's fast path."""
