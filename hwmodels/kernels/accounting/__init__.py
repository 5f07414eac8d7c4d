"""Kernels of the account: counts times prices."""
