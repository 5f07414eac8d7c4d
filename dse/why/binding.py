"""Which tensors bind: those that would save most by staying, and do not, design by design."""

from typing import TYPE_CHECKING

import numpy as np

from dse.designs import Designs
from dse.run.schedule import effort_of

if TYPE_CHECKING:
    import pandas

MOST_DESIGNS = 32
"""Designs of a front that are looked at, spread evenly along it; the knee is always among them."""


def binding_tensors(front: Designs) -> "pandas.DataFrame | None":
    """Count in how many designs of a front each tensor crosses main memory although it might stay.

    Parameters
    ----------
    front
        The front.

    Returns
    -------
    DataFrame or None
        Indexed by tensor (of several networks, by network and tensor), that which crosses most first:
        `designs` in which it crosses, their `share`, `elements` that each crossing moves, and `why` in the
        knee, "" where it stays there. None where no tensor was asked to stay.

    """
    import pandas

    members = [member for member in front.work.members if member.schedule is not None]
    if not members:
        return None
    index = front.frame.index.to_numpy(dtype=np.int64)
    chosen = index[np.unique(np.linspace(0, len(index) - 1, min(len(index), MOST_DESIGNS)).astype(int))]
    knee = int(front.designs()["index"].iloc[0])
    looked = np.array([knee, *(design for design in chosen if design != knee)], dtype=np.int64)
    configs, model = front.space.pack(looked), front.space.model
    rows = []
    for member in members:
        assert member.schedule is not None
        plans = [
            model.plan(member.layers, configs, front.mapping_objective, row, effort_of(member.schedule))
            for row in range(len(looked))
        ]
        for number, place in enumerate(plans[0].places):
            crosses = sum(not plan.places[number].stays for plan in plans)
            rows.append(
                {
                    "network": member.name,
                    "tensor": member.schedule.named(place.tensor.place),
                    "designs": crosses,
                    "share": crosses / len(looked),
                    "elements": place.tensor.saved,
                    "why": place.why,
                }
            )
    table = pandas.DataFrame(rows, columns=["network", "tensor", "designs", "share", "elements", "why"])
    table = table.sort_values(["designs", "elements"], ascending=False, kind="stable")
    keys = ["tensor"] if len(front.work.members) == 1 else ["network", "tensor"]
    return table.drop(columns=[name for name in ("network",) if name not in keys]).set_index(keys)
