"""Who competes with a front in a stress test: the configurations that were costed to find it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dse.designs import Designs, Subject
from dse.run.columns import Columns
from dse.run.gather import Competitors, Gathered
from dse.space.space import Space
from dse.strategies.problem import Work
from dse.uncertain.draws import FloatArray, IntArray
from hwmodels.tiers import STACK_LIMITS
from workloads.errors import InputError


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

    front: Designs
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


def rivals_of(subject: Subject) -> Rivals:
    """Find who competes with the front of a sweep, with a front, or with what a search found.

    Raises
    ------
    ValueError
        If the subject is neither, its front is empty, or its machines are templates.

    """
    if not hasattr(subject, "competitors"):
        raise InputError(f"stress: a Sweep, a Front or a Found is needed, got {type(subject).__name__}")
    refuse_templates(subject.space)
    front = subject.chosen()
    if not len(front):
        raise InputError("stress: the front is empty; there is no design whose place could be uncertain")
    return _rivals(front, subject.competitors())


def refuse_templates(space: Space) -> None:
    """Raise ValueError for a space of templates."""
    if not space.model.perturbable:
        raise InputError(
            f"stress: space {space.name} is of a model ({space.model.name}) whose energies and areas have no "
            "parts to perturb; stress a space around an accelerator",
            path="space",
        )
    swept = next((axis for axis in space.axes if axis.name == "technology.settled"), None)
    technology = getattr(space.base, "technology", None)
    if swept is not None or (technology is not None and technology.settled):
        raise InputError(
            f"stress: space {space.name} has technology.settled, and temperatures would move in every "
            "sample; give technology.temperature_c",
            path="technology.settled",
        )


def _rivals(front: Designs, costed: Competitors) -> Rivals:
    """Leave out what no sample can make feasible; order by index."""
    index, limit, constrained = costed.points, costed.limit, costed.limit >= len(front.space.limits)
    excluded = [len(front.space.limits) + position for position, _ in front.space.architecture_constraints]
    stacks = [code for code, name in enumerate(front.space.limits) if name in STACK_LIMITS]
    runs = (limit == 0) | np.isin(limit, stacks) | constrained & ~np.isin(limit, excluded)
    rows = np.flatnonzero(runs)
    rows = rows[np.argsort(index[rows], kind="stable")]
    known = None if costed.values is None else costed.values[rows]
    return Rivals(front, front.work, index[rows], limit[rows], costed.source, costed.who, known)
