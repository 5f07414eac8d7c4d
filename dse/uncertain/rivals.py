"""Who competes with a front in a stress test: the configurations that were costed to find it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dse.metrics import to_minimise
from dse.results.found import Found
from dse.results.front import Front
from dse.results.sweep import Sweep
from dse.run.gather import Gathered
from dse.run.task import Columns
from dse.space.space import Space
from dse.strategies.problem import One, Work
from dse.strategies.together import Several
from dse.uncertain.draws import FloatArray, IntArray
from hwmodels.components import stacking
from hwmodels.tiers import FIRST_LIMIT


@dataclass(frozen=True, eq=False)
class Rivals:
    """A front, the configurations that compete with it, and who they are in words.

    Attributes
    ----------
    points
        Indices of configurations that run the network at nominal or may in another sample: all but those
        that the space's own constraints or a buffer exclude.
    limit
        Why each is infeasible at nominal, a code; 0 where it is feasible.
    source
        Where their nominal metrics are; None where only a search's objectives were kept, which are `values`.

    """

    front: Front
    work: Work
    points: IntArray
    limit: NDArray[np.int16]
    source: Gathered | None
    who: str
    values: FloatArray | None = None  # nominal objectives to minimise, where nothing else is known

    def nominal(self, names: tuple[str, ...]) -> Columns | None:
        """Nominal metrics of all rivals; None where they have to be costed again."""
        if self.source is None:
            return None
        found = self.source.columns(["index", *names])
        rows = np.isin(found.pop("index"), self.points, assume_unique=True)
        return found if rows.all() else {name: found[name][rows] for name in names}


def rivals_of(subject: Sweep | Front) -> Rivals:
    """Find who competes with the front of a sweep, with a front, or with what a search found.

    Raises
    ------
    ValueError
        If the subject is neither, its front is empty, or its machines are templates.

    """
    if not isinstance(subject, Sweep | Front):
        raise ValueError(f"stress: a Sweep, a Front or a Found is needed, got {type(subject).__name__}")
    refuse_templates(subject.space)
    front = subject if isinstance(subject, Front) else subject.front()
    if not len(front):
        raise ValueError("stress: the front is empty; there is no design whose place could be uncertain")
    if isinstance(front, Found):
        trace = front.trace
        who = f"the {len(trace['index']):,} configurations that the search ({front.strategy}) costed"
        if front.certificate is not None and front.certificate.complete:
            who += "; those that its certificate excludes at nominal stay excluded"
        values = to_minimise([trace[o.column] for o in front.objectives], front.objectives)
        return _rivals(front, front.work, trace["index"], trace["limit"], None, who, values)
    work = One(front.network, front.layers, front.layers)
    gathered = subject.gathered if isinstance(subject, Sweep) else front.gathered
    if gathered is None:
        who = "the front's own designs: the sweep behind it is not known"
        index = np.sort(front.frame.index.to_numpy(dtype=np.int64))
        return _rivals(front, work, index, np.zeros(len(index), dtype=np.int16), None, who)
    found = gathered.columns(["index", "limit"])
    who = f"all {front.evaluated:,} configurations costed"
    if len(found["index"]) < front.space.size:
        who = f"the {len(found['index']):,} rows that the sweep kept: its front, and an even sample"
    return _rivals(front, work, found["index"], found["limit"], gathered, who)


def refuse_templates(space: Space) -> None:
    """Raise ValueError for a space of templates."""
    if not space.model.perturbable:
        raise ValueError(
            f"stress: space {space.name} is of a model ({space.model.name}) whose energies and areas have no "
            "parts to perturb; stress a space around an accelerator"
        )


def _rivals(
    front: Front,
    work: Work,
    index: IntArray,
    limit: NDArray[np.int16],
    source: Gathered | None,
    who: str,
    values: FloatArray | None = None,
) -> Rivals:
    """Leave out what no sample can make feasible; order by index."""
    assert isinstance(work, One | Several)
    excluded = [len(front.space.limits) + position for position, _ in front.space.architecture_constraints]
    stacks = FIRST_LIMIT + np.arange(len(stacking.LIMITS) - 1)
    runs = (
        (limit == 0) | np.isin(limit, stacks) | (limit >= len(front.space.limits)) & ~np.isin(limit, excluded)
    )
    rows = np.flatnonzero(runs)
    rows = rows[np.argsort(index[rows], kind="stable")]
    known = None if values is None else values[rows]
    return Rivals(front, work, index[rows], limit[rows], source, who, known)
