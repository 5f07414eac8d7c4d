"""Kernels of the ten-parameter template."""
