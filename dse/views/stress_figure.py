"""What the figure of a stress test shows."""

from typing import TYPE_CHECKING

import numpy as np

from dse.views.front_figure import Shown, front_picture
from dse.views.picture import Bars, Picture, Scale
from dse.views.units import Unit
from workloads.errors import InputError

if TYPE_CHECKING:
    from dse.results.stressed import Stressed


def stress_picture(stressed: "Stressed", shown: Shown = Shown(bands=None)) -> Picture:  # noqa: B008  a value
    """Collect what the figure of a stress test shows: the nominal front in its first two objectives.

    Parameters
    ----------
    stressed
        What `dse.stress` found, in two objectives or more.
    shown
        Other columns and scales.

    Raises
    ------
    ValueError
        If the front has one objective only.

    """
    front = stressed.front
    picture = front_picture(front, shown)
    rows = stressed.table.loc[front.frame.index]
    probability = rows["probability"].to_numpy(dtype=np.float64)
    spans = []
    for scale in (picture.x, picture.y):
        if f"{scale.column} p05" not in rows:
            raise InputError(f"figure: the samples tell the range of objectives, and {scale.column} is none")
        ends = [rows[f"{scale.column} {name}"].to_numpy(dtype=np.float64) for name in ("p05", "p95")]
        spans.append(np.stack(ends))
    return picture._replace(
        colour=Scale(
            "probability",
            Unit("Probability of staying on the front (%)", 0.01),
            probability,
            probability[:0],
            False,
            (0.0, 1.0),
        ),
        dominated=0,  # where they lie is as uncertain
        said=(f"lines: 5 to 95 % of {stressed.samples:,} samples", "dark rims: robust designs"),
        bars=Bars(
            spans[0],
            spans[1],
            rows["robust"].to_numpy(dtype=bool),
        ),
    )
