"""Which values of each axis the designs of a front share."""

import numpy as np
import pandas

from dse.designs import Designs


def shared_values(front: Designs) -> "pandas.DataFrame":
    """Count how often the designs of a front take each value of each axis.

    Parameters
    ----------
    front
        The front.

    Returns
    -------
    DataFrame
        Indexed by axis and value, as texts. `designs`: how many take it; `share`: of the front; `lift`: share
        over what it would be if the front took all values alike (1: it does; 0: never).

    """
    codes = front.space.codes(front.frame.index.to_numpy())
    parts = [
        pandas.DataFrame(
            {
                "axis": axis.name,
                "value": [axis.show(code) for code in range(len(axis))],
                "designs": np.bincount(mine, minlength=len(axis)),
                "share": np.bincount(mine, minlength=len(axis)) / len(front),
                "lift": np.bincount(mine, minlength=len(axis)) / len(front) * len(axis),
            }
        )
        for axis, mine in zip(front.space.axes, codes, strict=True)
    ]
    empty = pandas.DataFrame(columns=["axis", "value", "designs", "share", "lift"])
    return (pandas.concat(parts) if parts else empty).set_index(["axis", "value"])
