"""What the figure of a stress test shows."""

from typing import TYPE_CHECKING

import numpy as np

from dse.views.front_figure import front_picture
from dse.views.picture import Bars, Picture, Scale

if TYPE_CHECKING:
    from dse.results.stressed import Stressed


def stress_picture(stressed: "Stressed", *, labels: bool = True) -> Picture:
    """Collect what the figure of a stress test shows: the nominal front in its first two objectives.

    Parameters
    ----------
    stressed
        What `dse.stress` found, in two objectives or more.
    labels
        Name the knee and the extremes.

    Raises
    ------
    ValueError
        If the front has one objective only.

    """
    front = stressed.front
    picture = front_picture(front, labels=labels)
    rows = stressed.table.loc[front.frame.index]
    probability = rows["probability"].to_numpy(dtype=np.float64)
    spans = []
    for scale, objective in zip((picture.x, picture.y), front.objectives, strict=False):
        nominal = front.frame[objective.column].to_numpy(dtype=np.float64)
        factor = scale.values / np.where(nominal == 0.0, 1.0, nominal)
        ends = [rows[f"{objective.column} {name}"].to_numpy(dtype=np.float64) for name in ("p05", "p95")]
        spans.append(np.stack([end * factor for end in ends]))
    return picture._replace(
        colour=Scale("Probability of staying on the front", probability, probability, False, (0.0, 1.0)),
        bars=Bars(
            spans[0],
            spans[1],
            rows["robust"].to_numpy(dtype=bool),
            f"lines: 5 to 95 % of {stressed.samples:,} samples; dark rims: robust designs",
        ),
    )
