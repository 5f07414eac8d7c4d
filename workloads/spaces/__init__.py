"""Spaces of networks: builders with axes, in the grammar that spaces of machines are written in."""
