"""Room for labels."""

import numpy as np

from hwmodels.kernels.nest.columns import Ints
from hwmodels.kernels.nest.tables import Labels


def blank_labels(tiles: Ints, room: int, links: int, ranks: int) -> Labels:
    """Room for labels of some tiles."""
    return Labels(
        tiles=tiles,
        start=np.zeros(len(tiles) + 1, dtype=np.int64),
        closed=np.zeros(room, dtype=np.int64),
        words=np.zeros((room, links)),
        windows=np.zeros((room, links, 2, ranks), dtype=np.int64),
        origin=np.zeros((room, 2), dtype=np.int64),
        held=np.zeros(room),
    )
