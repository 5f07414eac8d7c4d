"""Kernels of count sets: fronts of cuts inside and outside the array, their meeting, and scans."""
