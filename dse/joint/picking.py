"""Which networks to train next when machines count: those that promise most hypervolume with a machine."""

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from dse.joint.sampling import Trained
from dse.metrics import Objective, to_minimise
from dse.pareto.front import filter_finite
from dse.pareto.volume import Scale
from workloads.extras import library

if TYPE_CHECKING:
    import pandas

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.int64]

_HOPE: Final = 0.5  # deviations a candidate's loss may turn out lower
_REFERENCES: Final = 16
ACCURACY: Final = "accuracy"


class Promise:
    """Ranks candidates by the hypervolume that they would add to what is known.

    Parameters
    ----------
    trained
        What was measured.
    frame
        Pairs of networks and machines known, with a column an objective.
    objectives
        All of them, accuracy among them.
    floor
        Accuracy below which a candidate promises nothing.

    """

    def __init__(
        self,
        trained: Trained,
        frame: "pandas.DataFrame",
        objectives: tuple[Objective, ...],
        floor: float = 0.0,
    ) -> None:
        self.objectives, self.floor = objectives, floor
        columns = [frame[o.column].to_numpy(dtype=np.float64) for o in objectives]
        values = to_minimise(columns, objectives)
        self.scale = Scale.of(values, objectives)
        self.front = values[filter_finite(values)]
        self._accuracy = accuracy_of_loss(trained)

    def pick(
        self, mean: FloatArray, deviation: FloatArray, machines: list[FloatArray], count: int
    ) -> IndexArray:
        """Pick candidates one after the other, each with the hypervolume the ones before leave it.

        Parameters
        ----------
        mean, deviation
            Predicted ln(log loss), shape (n,).
        machines
            For each candidate its other objectives on some machines, to minimise, shape (k, m - 1).
        count
            How many.

        """
        hoped = self._accuracy(mean - _HOPE * deviation)
        points = [self._points(a, values) for a, values in zip(hoped, machines, strict=True)]
        front = self.front
        base = self.scale.hypervolume(front)
        gains = np.array([self._gain(front, base, one) for one in points])
        chosen: list[int] = []
        for _ in range(min(count, len(points))):
            place = self._best(gains, points, front, base, chosen)
            if place < 0:  # nothing promises anything: the hopefully most accurate ones
                rest = [int(one) for one in np.argsort(-hoped, kind="stable") if int(one) not in chosen]
                chosen += rest[: min(count, len(points)) - len(chosen)]
                break
            chosen.append(place)
            front = np.concatenate([front, points[place]])
            front = front[filter_finite(front)]
            base = self.scale.hypervolume(front)
        return np.array(chosen, dtype=np.int64)

    def _best(
        self, gains: FloatArray, points: list[FloatArray], front: FloatArray, base: float, chosen: list[int]
    ) -> int:
        """Return the candidate that adds most now. Gains only shrink as the front grows: old ones bound."""
        gains[chosen] = 0.0
        best, most = -1, 0.0
        for place in np.argsort(-gains, kind="stable").tolist():
            if gains[place] <= most:
                break
            gains[place] = self._gain(front, base, points[place])
            if gains[place] > most:
                best, most = place, float(gains[place])
        return best

    def _gain(self, front: FloatArray, base: float, points: FloatArray) -> float:
        if not len(points):
            return 0.0
        return max(0.0, self.scale.hypervolume(np.concatenate([front, points])) - base)

    def _points(self, accuracy: float, machines: FloatArray) -> FloatArray:
        """Objectives of a candidate on its machines, all of them, in their order."""
        if accuracy < self.floor:
            machines = machines[:0]
        columns, other = [], iter(machines.T)
        for objective in self.objectives:
            if objective.column == ACCURACY:
                columns.append(np.full(len(machines), -accuracy if objective.maximise else accuracy))
            else:
                columns.append(next(other))
        values = np.stack(columns, axis=1)
        return values[filter_finite(values)]


def accuracy_of_loss(trained: Trained) -> "_Isotonic":
    """Return what turns ln(log loss) into accuracy: isotonic, as the measured networks have it."""
    good = trained.good
    accuracy = np.array([trained.measurements[i].accuracy for i in good])
    return _Isotonic(trained.targets(), accuracy)


class _Isotonic:
    def __init__(self, target: FloatArray, accuracy: FloatArray) -> None:
        model = library("sklearn.isotonic", "learn", "a predictor of accuracy").IsotonicRegression(
            increasing=False, out_of_bounds="clip"
        )
        self._model = model.fit(target, accuracy)
        best = int(np.argmin(target))
        self._least, self._top = float(target[best]), float(self._model.predict(target[best : best + 1])[0])

    def __call__(self, target: FloatArray) -> FloatArray:
        """Return accuracies; beyond the best loss seen, wrong answers shrink as the loss does."""
        inside = np.asarray(self._model.predict(target))
        beyond = 1.0 - (1.0 - self._top) * np.exp(np.minimum(target - self._least, 0.0))
        return np.where(target < self._least, np.maximum(beyond, inside), inside)


def references(frame: "pandas.DataFrame", count: int = _REFERENCES) -> IndexArray:
    """Return machines of known pairs that candidates are looked at on: the most frequent on fronts first."""
    found, counts = np.unique(frame["machine"].to_numpy(dtype=np.int64), return_counts=True)
    machines = found[np.lexsort((found, -counts))].tolist()
    half = machines[: count // 2]
    spread = machines[count // 2 :]
    step = max(1, len(spread) // max(1, count - len(half)))
    return np.array([*half, *spread[::step][: count - len(half)]], dtype=np.int64)
