"""A joint search under way: what was trained, the pairs that are known, and what to train next."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pandas
from numpy.typing import NDArray

from dse.errors import InfeasibleSpaceError
from dse.joint.hardware import Hardware
from dse.joint.picking import Promise
from dse.joint.quality import Quality, quality
from dse.joint.sampling import Trained, iterate, most_accurate
from dse.metrics import Objective

IndexArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

_MEASURED: Final = ("accuracy", "error", "log_loss", "test_accuracy", "test_error")


class Search:
    """A search whose networks are measured once for all machines.

    Attributes
    ----------
    trained
        What was measured.
    hardware
        What costs pairs.
    objectives
        All of them, accuracy among them.
    budget, rounds, floor
        As `codesign` takes them.

    """

    def __init__(
        self,
        trained: Trained,
        hardware: Hardware,
        objectives: tuple[Objective, ...],
        budget: int,
        rounds: int,
        floor: float,
    ) -> None:
        self.trained, self.hardware, self.objectives = trained, hardware, objectives
        self.budget, self.rounds, self.floor = budget, rounds, floor
        self._pairs: dict[int, pandas.DataFrame] = {}

    def begin(self) -> None:
        """Train on until one training succeeds; strategies have nothing to choose by before."""
        while not len(self.trained.good):
            if not self.left or not self.step(self.rounds):
                raise InfeasibleSpaceError(self.why_nothing())

    def know_front(self, index: int) -> None:
        """Take up a network's front over all machines."""
        frame = self.hardware.front(self.trained.network(index))
        if frame is not None:
            self._pairs[index] = frame

    def know_machines(self, index: int, machines: IndexArray) -> None:
        """Take up a network on some machines."""
        rows = self.hardware.rows(self.trained.network(index), machines)
        known = self._pairs.get(index)
        both = rows if known is None else pandas.concat([known, rows])
        self._pairs[index] = both[~both.index.duplicated()]

    def know_trained(self) -> None:
        """Take up the fronts of all networks that were trained."""
        for place in self.trained.good:
            if self.trained.index[place] not in self._pairs:
                self.know_front(self.trained.index[place])

    def most_accurate(self) -> int:
        """Return the most accurate network; of equally accurate ones the one with the least log loss."""
        good = self.trained.good
        if not len(good):
            raise InfeasibleSpaceError(self.why_nothing())
        found = [self.trained.measurements[i] for i in good]
        best = min(range(len(found)), key=lambda i: (-found[i].accuracy, found[i].log_loss))
        return self.trained.index[int(good[best])]

    def head(self, index: int) -> dict[str, Any]:
        """Return what tells one point of the space: its network and that network's axes."""
        fields = self.trained.space.configuration(index)
        return {"network": index, **{f"net.{field}": value for field, value in fields.items()}}

    def frame(self) -> "pandas.DataFrame":
        """Return every known pair: network, its axes as `net.<field>`, accuracy, machine, axes, metrics."""
        pieces = []
        by_index = dict(zip(self.trained.index, self.trained.measurements, strict=True))
        for index, rows in self._pairs.items():
            one = by_index[index]
            if one.accuracy < self.floor:
                continue
            head = {**self.head(index), **{name: getattr(one, name) for name in _MEASURED}}
            left = pandas.DataFrame({name: [value] * len(rows) for name, value in head.items()})
            right = rows.rename_axis("machine").reset_index()
            pieces.append(pandas.concat([left, right], axis=1))
        return pandas.concat(pieces, ignore_index=True) if pieces else pandas.DataFrame()

    def trainings(self) -> "pandas.DataFrame":
        """Return one row a training, in their order, with what was predicted of it before."""
        rows = []
        for index, one, (mean, deviation) in zip(
            self.trained.index, self.trained.measurements, self.trained.foretold, strict=True
        ):
            network = self.trained.network(index)
            rows.append(
                {
                    **self.head(index),
                    "parameters": network.parameters,
                    "macs": network.macs,
                    **{name: getattr(one, name) for name in (*_MEASURED, "seconds", "failed")},
                    "foretold": mean,
                    "foretold_error": deviation,
                }
            )
        return pandas.DataFrame(rows)

    def quality(self) -> Quality | None:
        """Return how well losses were predicted before they were measured; None for fewer than two."""
        foretold = np.array(self.trained.foretold)
        seen = [i for i in self.trained.good if np.isfinite(foretold[i]).all()]
        if len(seen) < 2:
            return None
        found = [self.trained.measurements[i] for i in seen]
        target = np.array([one.target for one in found])
        accuracy = np.array([one.accuracy for one in found])
        return quality(foretold[seen, 0], foretold[seen, 1], target, accuracy)

    def why_nothing(self) -> str:
        """Say why there is no front."""
        failed = [one.failed for one in self.trained.measurements if one.failed]
        if len(failed) == len(self.trained.measurements):
            return f"all {len(failed)} trainings failed; the first: {failed[0]}"
        best = max(self.trained.measurements[i].accuracy for i in self.trained.good)
        if best < self.floor:
            return f"no network reaches floor = {self.floor:g}; the best of those trained has {best:.4g}"
        return (
            f"space {self.hardware.space.name}: no machine can run any of the "
            f"{len(self.trained.good)} trained networks"
        )

    def choose(self, machines: IndexArray) -> Callable[..., IndexArray]:
        """Return what picks candidates by the hypervolume they promise on some machines."""

        def pick(index: IndexArray, mean: FloatArray, deviation: FloatArray, count: int) -> IndexArray:
            promise = Promise(self.trained, self.frame(), self.objectives, self.floor)
            looked = []
            for one in index:
                values, feasible = self.hardware.look(self.trained.network(int(one)), machines)
                looked.append(values[feasible])
            return promise.pick(mean, deviation, looked, count)

        return pick

    def step(self, rounds_left: int, choose: Callable[..., IndexArray] | None = None) -> bool:
        """Train one round's networks; False where there was nothing to train."""
        before = len(self.trained.index)
        left = self.budget - before
        until = before + max(1, -(-left // max(1, rounds_left)))
        iterate(self.trained, min(self.budget, until), 1, choose or most_accurate)
        return len(self.trained.index) > before

    @property
    def left(self) -> bool:
        """Whether trainings are left."""
        return len(self.trained.index) < self.budget
