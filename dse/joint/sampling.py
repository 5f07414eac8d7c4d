"""Which networks to train next: spread over the space at first, then where a predictor hopes most."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from dse.joint.accuracy import Measured, Measurement
from dse.joint.describing import described
from dse.joint.predictors import Predictor

if TYPE_CHECKING:
    from workloads import Network, NetworkSpace

IndexArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

_CANDIDATES: Final = 192
_LEARNS_FROM: Final = 4
"""Networks that a predictor needs."""
_HOPE: Final = 0.5
"""Deviations below the mean at which a network is ranked: known good ones first, unknown ones after."""

Choose = Callable[[IndexArray, FloatArray, FloatArray, int], IndexArray]
"""Picks places among candidates, given their indices, predicted means and deviations, and how many."""


class Trained:
    """Networks of a space that were measured, and what can be learnt of them.

    Parameters
    ----------
    space
        The networks.
    accuracy
        Measures them.
    predictor
        Name of a predictor.
    seed
        Of samples, trainings and predictor.

    Attributes
    ----------
    index
        Points measured, in their order.
    measurements
        What came out.
    foretold
        For each point the predicted mean and deviation before it was measured; NaN for the first sample.

    """

    def __init__(self, space: "NetworkSpace", accuracy: Measured, predictor: str, seed: int = 0) -> None:
        self.space, self.accuracy, self.seed = space, accuracy, seed
        self.predictor = predictor
        Predictor(predictor)  # refuse an unknown one before anything is trained
        self.index: list[int] = []
        self.measurements: list[Measurement] = []
        self.foretold: list[tuple[float, float]] = []
        self._networks: dict[int, Network] = {}
        self._learnt: tuple[int, Predictor] | None = None
        self._draw = np.random.default_rng([seed, 1])

    def network(self, index: int) -> "Network":
        """Return a network of the space, built once."""
        if index not in self._networks:
            self._networks[index] = self.space[index]
        return self._networks[index]

    @property
    def good(self) -> IndexArray:
        """Places, among those measured, of the ones that did not fail."""
        return np.array([i for i, one in enumerate(self.measurements) if not one.failed], dtype=np.int64)

    def measure(self, index: IndexArray, foretold: tuple[FloatArray, FloatArray] | None = None) -> None:
        """Measure points, each of them new."""
        points = [int(one) for one in index]
        machines = []
        if self.accuracy.wants_machine:  # then points are pairs: see `dse.joint.pairs`
            machines = [self.space.machine(one) for one in points]  # type: ignore[attr-defined]
        found = self.accuracy([self.network(one) for one in points], machines, seed=self.seed)
        self.index += points
        self.measurements += found
        if foretold is None:
            self.foretold += [(np.nan, np.nan)] * len(points)
        else:
            self.foretold += list(zip(foretold[0].tolist(), foretold[1].tolist(), strict=True))

    def features(self, index: IndexArray) -> FloatArray:
        """Describe points for the predictor."""
        return described(self.space, index, [self.network(int(one)) for one in index])

    def targets(self) -> FloatArray:
        """ln(log loss) of the networks that did not fail, shape (n,)."""
        return np.array([self.measurements[i].target for i in self.good])

    def learnt(self) -> Predictor:
        """Return the predictor, fitted to everything measured."""
        if self._learnt is None or self._learnt[0] != len(self.index):
            index = np.array(self.index, dtype=np.int64)[self.good]
            learnt = Predictor(self.predictor, self.seed).fit(self.features(index), self.targets())
            self._learnt = len(self.index), learnt
        return self._learnt[1]

    def candidates(self, parents: IndexArray, count: int = _CANDIDATES) -> IndexArray:
        """Draw allowed points not yet measured: anywhere, half of them changed from parents and crossed."""
        known = set(self.index)
        anywhere = self._anywhere(count // 2 if len(parents) else count)
        fresh = [one for one in anywhere if one not in known]
        offspring = self._offspring(parents, count - len(fresh)) if len(parents) else []
        found = dict.fromkeys([*fresh, *(one for one in offspring if one not in known)])
        return np.array(list(found), dtype=np.int64)

    def _anywhere(self, count: int) -> list[int]:
        codes = self._draw.integers(0, np.array(self.space.shape)[:, None], (len(self.space.axes), 3 * count))
        index = np.unique(self.space.index_of(codes))
        self._draw.shuffle(index)
        return self._allowed(index, count)

    def _offspring(self, parents: IndexArray, count: int) -> list[int]:
        codes = self.space.codes(parents)
        shape = np.array(self.space.shape)
        children = []
        for _ in range(3 * count):
            a, b = self._draw.integers(0, len(parents), 2)
            child = np.where(self._draw.random(len(shape)) < 0.5, codes[:, a], codes[:, b])
            moved = self._draw.random(len(shape)) < 1.5 / len(shape)
            child = np.where(moved, self._draw.integers(0, shape), child)
            children.append(child)
        index = np.unique(self.space.index_of(np.array(children).T))
        self._draw.shuffle(index)
        return self._allowed(index, count)

    def _allowed(self, index: IndexArray, count: int) -> list[int]:
        """Return up to `count` of the points that are allowed, looking at no more than it takes."""
        found: list[int] = []
        for start in range(0, len(index), 32):
            piece = index[start : start + 32]
            found += piece[self.space.allowed(piece)].tolist()
            if len(found) >= count:
                break
        return found[:count]


def first_sample(trained: Trained, count: int, method: str = "sobol") -> None:
    """Measure a first sample, spread by quasi-Monte-Carlo."""
    count = min(count, trained.space.size)
    trained.measure(trained.space.sample(count, method, trained.seed))


def most_accurate(index: IndexArray, mean: FloatArray, deviation: FloatArray, count: int) -> IndexArray:
    """Pick the candidates whose hopeful loss is least."""
    return np.argsort(mean - _HOPE * deviation, kind="stable")[:count]


def most_informative(trained: Trained) -> Choose:
    """Return what picks the candidates that would tell the predictor most of all candidates."""

    def pick(index: IndexArray, mean: FloatArray, deviation: FloatArray, count: int) -> IndexArray:
        return trained.learnt().informative(trained.features(index), count)

    return pick


def iterate(
    trained: Trained, budget: int, rounds: int, choose: Choose = most_accurate, *, near: bool = True
) -> None:
    """Measure until `budget` networks are, in rounds: fit, draw candidates, pick, measure.

    Parameters
    ----------
    trained
        What was measured; grows.
    budget
        Networks measured in the end, failed ones included.
    rounds
        Into how many the rest is divided.
    choose
        Picks candidates.
    near
        Whether half of the candidates are changed from the best networks; otherwise all are drawn evenly.

    """
    while len(trained.index) < budget:
        left = budget - len(trained.index)
        count = min(left, max(1, -(-(budget - len(trained.index)) // max(1, rounds))))
        rounds -= 1
        good = trained.good
        foretold = None
        if len(good) < _LEARNS_FROM:
            points = trained.candidates(np.zeros(0, dtype=np.int64))[:count]
        else:
            index = np.array(trained.index, dtype=np.int64)[good]
            best = index[np.argsort(trained.targets(), kind="stable")[: max(4, len(good) // 4)]]
            points = trained.candidates(best if near else best[:0])
            if len(points):
                mean, deviation = trained.learnt().predict(trained.features(points))
                picked = choose(points, mean, deviation, count)
                points, foretold = points[picked], (mean[picked], deviation[picked])
        if not len(points):
            return  # every allowed point that was drawn is measured
        trained.measure(points, foretold)
