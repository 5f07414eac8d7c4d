"""Which tensors bind: those that would save most by staying, and do not, design by design."""

import numpy as np
import pandas

from dse.designs import Designs
from dse.run.schedule import effort_of
from dse.strategies.problem import One
from hwmodels.residency.plan import APART
from hwmodels.residency.tensors import tensors_in, tensors_of

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
    members = [member for member in front.work.members if member.schedule is not None]
    if not members:
        return None
    index = front.frame.index.to_numpy(dtype=np.int64)
    chosen = index[np.unique(np.linspace(0, len(index) - 1, min(len(index), MOST_DESIGNS)).astype(int))]
    knee = int(front.designs()["index"].iloc[0])
    looked = np.array([knee, *(design for design in chosen if design != knee)], dtype=np.int64)
    rows = []
    for member in members:
        schedule = member.schedule
        assert schedule is not None
        whys = [_whys(front, member, int(design)) for design in looked]
        for tensor in tensors_in(schedule, member.layers):
            crosses = sum(why[tensor.place] != "" for why in whys)
            rows.append(
                {
                    "network": member.name,
                    "tensor": schedule.named(tensor.place),
                    "designs": crosses,
                    "share": crosses / len(looked),
                    "elements": tensor.saved,
                    "why": whys[0][tensor.place],
                }
            )
    table = pandas.DataFrame(rows, columns=["network", "tensor", "designs", "share", "elements", "why"])
    table = table.sort_values(["designs", "elements"], ascending=False, kind="stable")
    keys = ["tensor"] if len(front.work.members) == 1 else ["network", "tensor"]
    return table.drop(columns=[name for name in ("network",) if name not in keys]).set_index(keys)


def _whys(front: Designs, member: One, design: int) -> dict[int, str]:
    """Why each tensor crosses main memory on one design, by its place; "" where it does not."""
    model, machine, schedule = front.space.model, front.space[design], member.schedule
    effort, objective = effort_of(schedule)._replace(kept={}), front.mapping_objective
    fused = model.fusion(member.layers, machine, objective, effort) if effort.fused else None
    if fused is None:
        if effort.fused and schedule is not None:
            effort = effort._replace(schedule=schedule._replace(name="resident"))
        plan = model.plan(member.layers, model.pack(machine), objective, effort=effort)
        return {place.tensor.place: place.why for place in plan.places}
    handed = {row for group in fused.groups for row in group.rows[:-1]}
    tensors = tensors_of(effort.schedule.edges, member.layers) if effort.schedule else ()
    return {tensor.place: "" if tensor.first in handed else APART for tensor in tensors}
