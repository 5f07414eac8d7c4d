"""Sparse networks by training: pruning alone, growing and pruning, and SCANN's schemes A, B and C."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from workloads.errors import WorkloadError, shown
from workloads.grammar.arguments import NUMBER, WHOLE, takes
from workloads.importers.torch.library import one_thread
from workloads.learning.arguments import DATA, NETWORK
from workloads.learning.arguments import TRAINING as _TRAINING
from workloads.learning.data import Data
from workloads.learning.fitting import TRAINING, Fitted, Samples, Training, fit
from workloads.learning.plasticity import (
    activities,
    connections,
    dense_gradients,
    drop_orphans,
    duplicate,
    grow,
    grow_randomly,
    grow_strategically,
    possible,
    prune,
    seed_connections,
)
from workloads.learning.wiring import Wiring
from workloads.modules.graph_module import GraphModule
from workloads.network import Network

_SEEN: Final = 1024
"""Samples that gradients of dormant connections are taken over."""


GROWTH: Final = ("gradient", "strategic", "random")
"""What chooses the connections that appear."""


@dataclass(frozen=True)
class Phase:
    """Steps of training between two changes of the connections.

    Attributes
    ----------
    network
        With the masks that held.
    steps
        Steps of `batch` samples.
    batch
        Samples a step.
    dense_samples
        Samples that a full gradient, dormant connections included, was taken over at the end.

    """

    network: Network
    steps: int
    batch: int
    dense_samples: int = 0


@dataclass(frozen=True)
class Synthesised:
    """A network with the masks that training left.

    Attributes
    ----------
    network
        With masks, ready to be costed.
    module
        The trained module.
    fitted
        Scores.
    connections
        Weights of convolutions and linear layers that are not zero.
    phases
        What the training did, in order: the input of its own cost.

    """

    network: Network
    module: GraphModule
    fitted: Fitted
    connections: int
    phases: tuple[Phase, ...]


@takes(network=NETWORK, data=DATA, keep=WHOLE, training=_TRAINING)
def prune_alone(network: Network, data: Data, keep: int, training: Training = TRAINING) -> Synthesised:
    """Train a dense network and prune it to `keep` connections on the way.

    The number falls from all to `keep` along a cubic curve between a fifth and seven tenths of the epochs
    (Zhu and Gupta, arXiv 1710.01878); what is pruned stays away. The parent of `grow_and_prune`.
    """
    return _synthesised(network, data, keep, training, _Plan())


@takes(network=NETWORK, data=DATA, keep=WHOLE, training=_TRAINING, seed_density=NUMBER, exchange=NUMBER)
def grow_and_prune(
    network: Network,
    data: Data,
    keep: int,
    training: Training = TRAINING,
    *,
    seed_density: float = 1.0,
    exchange: float = 0.3,
    by: str = "gradient",
) -> Synthesised:
    """Prune a network to `keep` connections on the way, exchanging the weakest for those asked for.

    Parameters
    ----------
    network
        The largest network; its connections are the candidates.
    data, training
        As `fit` takes them.
    keep
        Connections in the end.
    seed_density
        Share of the connections that are there at first, drawn evenly. NeST begins with few; what these
        lack, tens of epochs of growth do not win back (1.4 points on MNIST-5k), so all are there by default.
    exchange
        Share of the connections that are replaced after an epoch at first, the weakest by the dormant ones
        with the largest gradient; it falls along half a cosine to nothing at four fifths of the epochs.
    by
        "gradient"; "strategic": edges from strong nodes (`plasticity.grow_strategically`), without looking at
        data; or "random" for growth that does not look at all.

    """
    if not 0 < seed_density <= 1 or not 0 <= exchange < 1:
        raise WorkloadError(
            f"seed_density must be in (0, 1] and exchange in [0, 1), got {seed_density} and {exchange}"
        )
    if by not in GROWTH:
        raise WorkloadError(f"by must be one of {', '.join(GROWTH)}, got {shown(by)}")
    return _synthesised(network, data, keep, training, _Plan(seed_density, exchange, by))


@dataclass(frozen=True)
class _Plan:
    seed_density: float = 1.0
    exchange: float = 0.0
    by: str = "gradient"

    def wanted(self, done: float, total: int, keep: int) -> int:
        """Return the connections after a share of the epochs."""
        start, end = 0.2, 0.7
        first = max(keep, round(self.seed_density * total))
        left = 1.0 - min(max((done - start) / (end - start), 0.0), 1.0)
        return keep + round((first - keep) * left**3)


def _synthesised(network: Network, data: Data, keep: int, training: Training, plan: _Plan) -> Synthesised:
    module = GraphModule(network, seed=training.seed, masked=True)
    total = possible(module)
    if not 1 <= keep <= total:
        raise WorkloadError(f"{network.name}: keep must be 1 to {total:,} connections, got {shown(keep)}")
    samples = Samples(data, network)
    wiring = Wiring(network)
    log = Log(module, training, data)
    if plan.seed_density < 1:
        seed_connections(module, plan.wanted(0.0, total, keep), training.seed)

    def change(epoch: int) -> None:
        done = epoch / training.epochs
        wanted = plan.wanted(done, total, keep)
        exchanged = 0
        if plan.exchange and done < 0.8:
            exchanged = round(plan.exchange * wanted * (1 + np.cos(np.pi * done / 0.8)) / 2)
        prune(module, max(1, wanted - exchanged))
        if done >= 0.7:
            drop_orphans(module, wiring)
        missing = wanted - connections(module)
        looked = 0
        if plan.exchange and done < 0.8 and missing > 0:
            looked = regrow(module, samples, data, missing, plan.by, training.seed + epoch)
        log.note(looked)

    settled = math.ceil(0.8 * training.epochs)
    fitted = fit(module, data, training, after_epoch=change, samples=samples, patient_after=settled)
    return log.result(fitted)


def regrow(module: Any, samples: Samples, data: Data, count: int, by: str, seed: int) -> int:
    """Grow connections; return how many samples were looked at for it."""
    if by == "random":
        grow_randomly(module, count, seed)
        return 0
    if by == "strategic":
        grow_strategically(module, count, seed)
        return 0
    draw = np.random.default_rng(seed)
    seen = draw.permutation(data.train)[:_SEEN]
    grow(module, dense_gradients(module, samples, seen), count)
    return len(seen)


class Log:
    """Notes which connections there were for how many steps."""

    def __init__(self, module: GraphModule, training: Training, data: Data) -> None:
        self.module, self.data = module, data
        self._steps = -(-len(data.train) // training.batch)
        self._phases: list[Phase] = []
        self._batch = training.batch
        self._now = module.network.with_masks(module)

    def note(self, looked: int = 0, steps: int | None = None) -> None:
        """Close an epoch's phase."""
        steps = self._steps if steps is None else steps
        self._phases.append(Phase(self._now, steps, self._batch, looked))
        self._now = self.module.network.with_masks(self.module)

    def looked(self, samples: int) -> None:
        """Note a dense gradient outside of training, with the connections that it found."""
        self._phases.append(Phase(self._now, 0, self._batch, samples))
        self._now = self.module.network.with_masks(self.module)

    def result(self, fitted: Fitted) -> Synthesised:
        """Return what came out."""
        return Synthesised(
            self.module.network.with_masks(self.module),
            self.module,
            fitted,
            connections(self.module),
            tuple(self._phases),
        )


@takes(network=NETWORK, data=DATA, keep=WHOLE, training=_TRAINING, iterations=WHOLE)
def scann(
    scheme: str,
    network: Network,
    data: Data,
    keep: int,
    training: Training = TRAINING,
    *,
    iterations: int = 5,
) -> Synthesised:
    """Synthesise a feed-forward network by one of SCANN's schemes.

    Parameters
    ----------
    scheme
        "A" is constructive: a few units at first; in every iteration the most active ones are duplicated,
        eight tenths of the missing connections grow by gradient, and a quarter is pruned. "B" begins with all
        units: each iteration prunes hard, grows back to eight tenths, trains, and prunes harder. "C", for
        layered perceptrons, alternates dense and sparse (dense-sparse-dense), each time sparser.
    network
        The largest network. For A and B a perceptron with skips: any feed-forward graph of its units.
    data, training
        As `fit` takes them; the epochs are divided over the iterations, a third of them at the end, with the
        connections that are left.
    keep
        Connections in the end.
    iterations
        Iterations of grow, train and prune.

    Notes
    -----
    Hassantabar, Wang, Jha, "SCANN: synthesis of compact and accurate neural networks", arXiv 1904.09090; the
    shares are the paper's where its summary states them.

    """
    if scheme not in _SCHEMES:
        raise WorkloadError(f"scheme must be one of {', '.join(_SCHEMES)}, got {shown(scheme)}")
    most = (training.epochs - 1) // (2 if scheme == "C" else 1)  # C trains twice in each
    if not 1 <= iterations <= most:
        raise WorkloadError(
            f"scheme {scheme}: iterations must be 1 to {most} in {training.epochs} epochs, got {iterations}"
        )
    module = GraphModule(network, seed=training.seed, masked=True)
    total = possible(module)
    if not 1 <= keep <= total:
        raise WorkloadError(f"{network.name}: keep must be 1 to {total:,} connections, got {shown(keep)}")
    at_work = _Scann(module, data, keep, training, iterations)
    _SCHEMES[scheme](at_work)
    return at_work.finish()


class _Scann:
    """A synthesis under way."""

    def __init__(
        self, module: GraphModule, data: Data, keep: int, training: Training, iterations: int
    ) -> None:
        self.module, self.data, self.keep, self.training = module, data, keep, training
        self.iterations = iterations
        self.samples = Samples(data, module.network)
        self.wiring = Wiring(module.network)
        self.total = possible(module)
        self.log = Log(module, training, data)
        self._spent = 0

    @property
    def hidden(self) -> list[str]:
        """Layers whose units may come and go."""
        return [name for name in self.module.masked_layers() if name not in self.wiring.last]

    def train(self, epochs: int, looked: int = 0) -> Fitted:
        """Train with the connections there are."""
        self._spent += epochs
        seed = self.training.seed + 7919 * self._spent
        training = replace(self.training, epochs=epochs, seed=seed)
        with one_thread():
            fitted = fit(
                self.module, self.data, training, samples=self.samples, after_epoch=lambda _: self.log.note()
            )
        return fitted

    def each(self) -> int:
        """Epochs of one iteration."""
        return max(1, (2 * self.training.epochs // 3) // self.iterations)

    def target(self, iteration: int) -> int:
        """Connections after an iteration's pruning: falling in equal ratios to `keep`."""
        share: float = (self.keep / self.total) ** ((iteration + 1) / self.iterations)
        return max(self.keep, round(self.total * share))

    def grow(self, count: int) -> None:
        """Grow connections by gradient."""
        regrow(self.module, self.samples, self.data, count, "gradient", self.training.seed + self._spent)

    def prune(self, keep: int) -> None:
        """Prune to a number of connections, and units left without any."""
        prune(self.module, keep)
        drop_orphans(self.module, self.wiring)

    def finish(self) -> Synthesised:
        """Prune to the end, train with what is left, and return it."""
        self.prune(self.keep)
        return self.log.result(self.train(max(1, self.training.epochs - self._spent)))


def _scheme_a(at_work: _Scann) -> None:
    """Constructive: units and connections are added until the network is full enough."""
    module, hidden = at_work.module, at_work.hidden
    layers = module.masked_layers()
    for name in hidden:  # a quarter of the units at first
        mask = layers[name].mask.clone()
        mask[max(1, len(mask) // 4) :] = 0
        layers[name].put(mask)
    drop_orphans(module, at_work.wiring)
    peak = max(at_work.keep, min(at_work.total // 2, 8 * at_work.keep))
    for iteration in range(at_work.iterations):
        at_work.train(at_work.each())
        seen = at_work.data.train[:_SEEN]
        activity = activities(module, at_work.samples, seen)
        for name in hidden:
            for number in range(max(1, len(layers[name].mask) // (2 * at_work.iterations))):
                seed = at_work.training.seed + 31 * iteration + number
                place = duplicate(module, name, activity[name], seed, at_work.wiring)
                if place < 0:
                    break
                activity[name][int(np.argmax(activity[name]))] *= 0.5
        wanted = min(peak, at_work.total)
        missing = max(0, wanted - connections(module))
        at_work.grow(round(0.8 * missing))
        at_work.prune(max(at_work.keep, round(0.75 * connections(module))))


def _scheme_b(at_work: _Scann) -> None:
    """All units at first: prune hard, grow back, train, prune harder."""
    for iteration in range(at_work.iterations):
        at_work.train(at_work.each())
        keep = at_work.target(iteration)
        at_work.prune(max(at_work.keep, keep // 2))
        at_work.grow(round(0.8 * max(0, keep - connections(at_work.module))))


def _scheme_c(at_work: _Scann) -> None:
    """Dense, sparse, dense: every cycle starts with all connections of the units that are left."""
    for iteration in range(at_work.iterations):
        at_work.train(max(1, at_work.each() // 2))
        at_work.prune(at_work.target(iteration))
        at_work.train(max(1, at_work.each() - at_work.each() // 2))
        if iteration + 1 < at_work.iterations:
            _fill(at_work)


def _fill(at_work: _Scann) -> None:
    """Let every connection between units that are left come back, at weight 0."""
    layers = at_work.module.masked_layers()
    alive = {name: layer.mask.flatten(1).sum(1) > 0 for name, layer in layers.items()}
    for name, layer in layers.items():
        columns = at_work.wiring.columns[name]
        mask = alive[name].to(layer.mask.dtype)[:, None].expand_as(layer.mask).clone()
        for column, (source, unit) in enumerate(columns.tolist()):
            if source >= 0 and not alive[at_work.wiring.layers[source]][unit]:
                mask[:, column] = 0
        layer.put(mask)


_SCHEMES: Final[dict[str, Callable[[_Scann], None]]] = {"A": _scheme_a, "B": _scheme_b, "C": _scheme_c}
