"""Learning that goes on: a sparse network takes up data that arrive, by growth and two prunings."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workloads.errors import WorkloadError, shown
from workloads.grammar.arguments import NATURAL, NUMBER, WHOLE, takes
from workloads.learning.arguments import DATA
from workloads.learning.arguments import TRAINING as _TRAINING
from workloads.learning.data import Data
from workloads.learning.fitting import TRAINING, Fitted, Samples, Training, fit
from workloads.learning.plasticity import (
    connections,
    dense_gradients,
    drop_orphans,
    grow,
    possible,
    prune,
)
from workloads.learning.synthesis import Log, Synthesised
from workloads.learning.wiring import Wiring

Positions = NDArray[np.int64]

_SEEN: Final = 512


@dataclass(frozen=True)
class Arrival:
    """A data set in two parts: what was there first, and everything.

    Attributes
    ----------
    before
        The data with the first training samples only.
    after
        The data with all training samples.
    arrived
        Positions of those that came.

    """

    before: Data
    after: Data
    arrived: Positions


@takes(data=DATA, share=NUMBER, seed=NATURAL)
def arriving(data: Data, share: float = 0.5, seed: int = 0) -> Arrival:
    """Let a share of the training samples arrive later, drawn class by class."""
    if not 0 < share < 1:
        raise WorkloadError(f"share must be in (0, 1), got {shown(share)}")
    before = data.fewer(round((1 - share) * len(data.train)), seed)
    return Arrival(before, data, np.setdiff1d(data.train, before.train))


@takes(training=_TRAINING, keep=WHOLE.or_none(), growth=NUMBER)
def update(
    made: Synthesised,
    arrival: Arrival,
    training: Training = TRAINING,
    *,
    keep: int | None = None,
    growth: float = 1.0,
) -> Synthesised:
    """Take up data that arrived: grow for them, train on them, train on all, and prune twice.

    Parameters
    ----------
    made
        A network synthesised on `arrival.before`; its module is changed.
    arrival
        The data.
    training
        Epochs, a quarter of them over what arrived and the rest over all data; a quarter after each pruning.
        The learning rate falls once over each of the two. A high rate and much decay pay: what was learnt of
        the first samples by heart is forgotten.
    keep
        Connections in the end; by default as many as there were.
    growth
        Connections that grow, as a share of those there are: half by the gradient of what arrived, half by
        that of all data.

    Returns
    -------
    Synthesised
        The same module; `phases` are those of the update alone.

    Notes
    -----
    Dai, Yin, Jha, "Incremental learning using a grow-and-prune paradigm with efficient neural networks", IEEE
    TETC 2022 (arXiv 1905.10952). The first pruning is recoverable: connections that it silenced and that a
    gradient still asks for come back before the second, which is final.

    """
    module = made.module
    keep = made.connections if keep is None else keep
    if training.epochs < 4:
        raise WorkloadError(f"update: epochs must be 4 or more, got {training.epochs}")
    if not 1 <= keep <= possible(module) or growth < 0:
        raise WorkloadError(f"update: keep must be 1 to {possible(module):,} and growth not negative")
    on_all, on_new = arrival.after, replace(arrival.after, train=arrival.arrived)
    return _Update(module, on_all, on_new, training).run(keep, growth)


class _Update:
    def __init__(self, module: Any, on_all: Data, on_new: Data, training: Training) -> None:
        self.module, self.training = module, training
        self.samples = Samples(on_all, module.network)
        self.wiring = Wiring(module.network)
        self.on_all, self.on_new = on_all, on_new
        self.log = Log(module, training, on_new)
        self.spent = 0

    def run(self, keep: int, growth: float) -> Synthesised:
        """Carry it out: one fall of the rate for what arrived, one for all data with both prunings in it."""
        quarter = max(1, self.training.epochs // 4)
        more = round(growth * connections(self.module) / 2)
        self.log.looked(self.grow(more, self.on_new))
        self.train(quarter, self.on_new)
        self.log.looked(self.grow(more, self.on_all))
        rest = self.training.epochs - quarter

        def cut(epoch: int) -> int:
            if epoch == rest - 2 * quarter:
                return self.prune_recoverably(keep)
            if epoch == rest - quarter:
                prune(self.module, keep)
                drop_orphans(self.module, self.wiring)
            return 0

        return self.log.result(self.train(rest, self.on_all, cut, rest - quarter))

    def grow(self, count: int, data: Data) -> int:
        """Grow connections by the gradient of some data; return how many samples were looked at for it."""
        if count <= 0:
            return 0
        seen = np.random.default_rng(self.training.seed + self.spent).permutation(data.train)[:_SEEN]
        grow(self.module, dense_gradients(self.module, self.samples, seen), count)
        return len(seen)

    def prune_recoverably(self, keep: int) -> int:
        """Silence what is weak, and let a tenth of it come back where a gradient asks for it."""
        before = connections(self.module)
        prune(self.module, keep)
        return self.grow(min(before - keep, round(0.1 * keep)), self.on_all)

    def train(
        self, epochs: int, data: Data, change: Callable[[int], int] = lambda _: 0, settled: int = 0
    ) -> Fitted:
        """Train on some data; `change` is called after an epoch and says how many samples it looked at."""
        self.spent += epochs
        steps = -(-len(data.train) // self.training.batch)
        training = replace(self.training, epochs=epochs, seed=self.training.seed + 7919 * self.spent)
        return fit(
            self.module,
            data,
            training,
            samples=self.samples,
            after_epoch=lambda epoch: self.log.note(change(epoch), steps),
            patient_after=settled,
        )
