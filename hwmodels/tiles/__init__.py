"""The two-level mapspace of a network: which tiles of each operation the sweep's kernel may choose."""

from hwmodels.tiles.lists import TileLists

__all__ = ["TileLists"]
