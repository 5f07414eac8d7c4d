"""Spaces: axes, constraints, quantities, samples and those with a name."""
