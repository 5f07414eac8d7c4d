"""Words of tiles whose zeros are spread evenly, straight from the kernel."""

import numpy as np
import pytest

from hwmodels.kernels.zeros.columns import (
    BITMASK,
    COORDINATES,
    ELEMENTS,
    NONZEROS,
    RUN_LENGTHS,
    SHARE,
    UOP,
    WHOLE_BITMASK,
)
from hwmodels.kernels.zeros.metadata import expected_words, fiber_words


@pytest.mark.parametrize("kind", [UOP, BITMASK, WHOLE_BITMASK, COORDINATES, RUN_LENGTHS])
@pytest.mark.parametrize("mean", [2.25, 3.0, 0.5])
def test_words_between_two_occupancies_lie_between_theirs(kind, mean):
    """Zeros that are spread evenly: a tile has the occupancy below its mean, or the one above."""
    tile, elements, inside = 12.0, 6.0, 2.0
    zeros = np.zeros(5)
    zeros[SHARE], zeros[NONZEROS], zeros[ELEMENTS] = mean / tile, 120.0 * mean / tile, 120.0
    found = expected_words(kind, elements, inside, tile, zeros, 1)
    below = int(mean)
    few, many = (fiber_words(kind, elements, inside, tile, float(n), False, 1) for n in (below, below + 1))
    assert found == pytest.approx(tuple(a + (mean - below) * (b - a) for a, b in zip(few, many, strict=True)))
    if kind in (BITMASK, WHOLE_BITMASK) and mean >= 2.0:  # no fiber is empty, and its mask is its length
        assert found[0] == pytest.approx(2 * 3)
    if kind == UOP and mean >= 2.0:
        assert found == pytest.approx((0.0, 2 * 4))
