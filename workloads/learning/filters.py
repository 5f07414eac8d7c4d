"""Filters that come and go: CGaP's growth of the most salient units, and pruning of the least."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workloads.errors import WorkloadError, shown
from workloads.grammar.arguments import WHOLE, takes
from workloads.importers.torch.library import Array, torch
from workloads.learning.arguments import DATA, NETWORK
from workloads.learning.arguments import TRAINING as _TRAINING
from workloads.learning.data import Data
from workloads.learning.fitting import TRAINING, Samples, Training, fit
from workloads.learning.plasticity import dense_gradients
from workloads.learning.synthesis import Log, Synthesised
from workloads.learning.wiring import Wiring
from workloads.modules.graph_module import GraphModule
from workloads.network import Network
from workloads.sparsity.allocation import proportional
from workloads.sparsity.channels import Ties, is_depthwise, resize

_SEEN: Final = 512
CHOICES: Final = ("saliency", "random")
"""What chooses the units that are copied and those that go."""


@dataclass(frozen=True)
class Slim(Synthesised):
    """A network synthesised unit by unit.

    Attributes
    ----------
    slim
        The same network without the units that went: dense, and narrower, for machines that skip nothing.
    widths
        Units left, by layer.

    """

    slim: Network
    widths: dict[str, int]


class Filters:
    """The units of a module that may come and go together: filters of tied convolutions, neurons of a layer.

    Parameters
    ----------
    module
        Of `to_module(network, masked=True)`.

    Attributes
    ----------
    groups
        First layer of each group -> layers whose widths are tied to it, itself included.
    alive
        First layer -> which units there are, shape (units,).

    """

    def __init__(self, module: GraphModule) -> None:
        self.module = module
        self.layers = module.masked_layers()
        self.wiring = Wiring(module.network)
        ties = Ties(module.network).groups.values()
        self.groups = {own[0]: list(own) for own in ties if all(one in self.layers for one in own)}
        self.alive = {name: np.ones(len(self.layers[name].weight), dtype=np.bool_) for name in self.groups}
        depthwise = next(
            (n for n in self.layers if is_depthwise(module.network.graph, module.network.graph.node(n))), None
        )
        if depthwise:
            raise WorkloadError(
                f"network {module.network.name}: {shown(depthwise)} is depthwise, and its units are another's"
            )
        if not self.groups:
            raise WorkloadError(f"network {module.network.name}: no layer whose units could come and go")

    @property
    def count(self) -> int:
        """Units there are, over all groups."""
        return sum(int(one.sum()) for one in self.alive.values())

    def widths(self) -> dict[str, int]:
        """Units there are, by the first layer of each group."""
        return {name: int(one.sum()) for name, one in self.alive.items()}

    def put(self, alive: dict[str, NDArray[np.bool_]]) -> None:
        """Let these units be and no others: their fan-in, their bias and what reads them."""
        self.alive = alive
        columns = {name: np.ones(layer.mask.shape[1], dtype=np.bool_) for name, layer in self.layers.items()}
        for first, own in alive.items():
            for name in self.groups[first]:
                for reader, pairs in self.wiring.readers(name):
                    if reader in columns and len(columns[reader]) > pairs[:, 0].max():
                        columns[reader][pairs[:, 0]] &= own[pairs[:, 1]]
        rows = {name: own for first, own in alive.items() for name in self.groups[first]}
        for name, layer in self.layers.items():
            mask = torch.ones_like(layer.mask)
            mask[:, ~torch.from_numpy(columns[name])] = 0
            if name in rows:
                dead = ~torch.from_numpy(rows[name])
                mask[dead] = 0
                if layer.bias is not None:
                    with torch.no_grad():
                        layer.bias[dead] = 0
            layer.put(mask)

    def saliency(self, samples: Samples, positions: Any) -> dict[str, NDArray[np.float64]]:
        """Return sum |dL/dw w| over each unit's fan-in, tied layers together: what the loss feels of it.

        Units that are not there have 0.
        """
        slopes = dense_gradients(self.module, samples, positions)
        found = {}
        for first, own in self.groups.items():
            total: Array = sum(
                (slopes[name] * self.layers[name].weight.detach() * self.layers[name].mask)
                .abs()
                .flatten(1)
                .sum(1)
                for name in own
            )
            found[first] = total.numpy().astype(np.float64) * self.alive[first]
        return found

    def grow(
        self, models: dict[str, NDArray[np.int64]], draw: np.random.Generator, noise: float = 0.1
    ) -> int:
        """Copy units into free places, fan-in with noise, fan-out halved between the two; return how many."""
        grown = 0
        alive = {name: own.copy() for name, own in self.alive.items()}
        pairs: list[tuple[str, int, int]] = []
        for first, chosen in models.items():
            free = np.flatnonzero(~alive[first])
            for model, place in zip(chosen.tolist(), free.tolist(), strict=False):
                alive[first][place] = True
                pairs.append((first, model, place))
                grown += 1
        self.put(alive)
        for first, model, place in pairs:
            self._copy(first, model, place, draw, noise)
        return grown

    def _copy(self, first: str, model: int, place: int, draw: np.random.Generator, noise: float) -> None:
        with torch.no_grad():
            for name in self.groups[first]:
                layer = self.layers[name]
                shape = tuple(layer.weight[model].shape)
                jitter = torch.from_numpy(1 + noise * draw.standard_normal(shape)).to(layer.weight.dtype)
                layer.weight[place] = layer.weight[model] * jitter
                if layer.bias is not None:
                    layer.bias[place] = layer.bias[model]
                for norm in self._norms(name):
                    for value in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
                        value[place] = value[model]
                for reader, columns in self.wiring.readers(name):
                    other = self.layers.get(reader)
                    if other is None or other.weight.shape[1] <= columns[:, 0].max():
                        continue
                    source = columns[columns[:, 1] == model, 0]
                    target = columns[columns[:, 1] == place, 0]
                    half = other.weight[:, source] / 2
                    other.weight[:, source], other.weight[:, target] = half, half.clone()

    def _norms(self, layer: str) -> Iterable[Any]:
        """Batch norms that follow a layer."""
        graph = self.module.network.graph
        for reader in graph.consumers(graph.node(layer).outputs[0]):
            norm = self.module.get_submodule(reader) if reader in self.module.roles else None
            if isinstance(norm, torch.nn.modules.batchnorm._BatchNorm):
                yield norm


@takes(network=NETWORK, data=DATA, units=WHOLE, training=_TRAINING)
def cgap(
    network: Network,
    data: Data,
    units: int,
    training: Training = TRAINING,
    *,
    seed_share: float = 0.25,
    grown_share: float = 1.0,
    by: str = "saliency",
    prune_by: str | None = None,
) -> Slim:
    """Train a network from few units, grow the most salient ones, then prune the least, to `units` in all.

    Parameters
    ----------
    network
        The largest network; sequential, residual or joined convolutions and linear layers.
    data, training
        As `fit` takes them.
    units
        Units in the end, over all layers whose width may move.
    seed_share
        Share of each layer's units at first.
    grown_share
        Share of each layer's units that growth reaches, three tenths of the epochs on.
    by
        What chooses the units to copy: "saliency", or "random".
    prune_by
        What chooses those that go; by default as `by`.

    Notes
    -----
    Du, Li, Ma, Cao, "Efficient network construction through structural plasticity", IEEE JETCAS 2019: a
    continuous growth of filters next to the most salient ones, then pruning of filters. Growth takes place
    after each epoch of the first three tenths, pruning along a cubic curve until seven tenths.

    """
    prune_by = by if prune_by is None else prune_by
    for name, choice in (("by", by), ("prune_by", prune_by)):
        if choice not in CHOICES:
            raise WorkloadError(f"{name} must be one of {', '.join(CHOICES)}, got {shown(choice)}")
    if not (0 < seed_share <= grown_share <= 1):
        raise WorkloadError(
            f"0 < seed_share <= grown_share <= 1 must hold, got {shown(seed_share)} and {shown(grown_share)}"
        )
    if training.epochs < 4:
        raise WorkloadError(f"cgap: epochs must be 4 or more, to grow and to prune, got {training.epochs}")
    module = GraphModule(network, seed=training.seed, masked=True)
    filters = Filters(module)
    total = filters.count
    if not len(filters.groups) <= units <= total:
        raise WorkloadError(
            f"{network.name}: units must be {len(filters.groups)} to {total}, got {shown(units)}"
        )
    samples, draw = Samples(data, network), np.random.default_rng(training.seed)
    filters.put(
        {
            name: np.arange(len(own)) < max(1, round(seed_share * len(own)))
            for name, own in filters.alive.items()
        }
    )
    log = Log(module, training, data)

    def scores(choice: str) -> dict[str, NDArray[np.float64]]:
        if choice == "random":
            return {name: draw.random(len(own)) * own for name, own in filters.alive.items()}
        return filters.saliency(samples, draw.permutation(data.train)[:_SEEN])

    def change(epoch: int) -> None:
        done, looked = epoch / training.epochs, 0
        if done <= 0.3:
            share = seed_share + (grown_share - seed_share) * min(1.0, done / 0.3)
            _grow_to(filters, share, scores(by), draw)
            looked = _SEEN if by == "saliency" else 0
        elif filters.count > units:
            left = max(0.0, 1 - (done - 0.3) / 0.4)
            _prune_to(filters, units + round((filters.count - units) * left**3), scores(prune_by))
            looked = _SEEN if prune_by == "saliency" else 0
        log.note(looked)

    settled = math.ceil(0.7 * training.epochs)
    fitted = fit(module, data, training, samples=samples, after_epoch=change, patient_after=settled)
    made = log.result(fitted)
    widths = filters.widths()
    slim = resize(network, widths)
    return Slim(made.network, module, fitted, made.connections, made.phases, slim, widths)


def _grow_to(filters: Filters, share: float, scores: dict[str, NDArray[np.float64]], draw: Any) -> None:
    """Copy each layer's units with the largest scores until it has a share of its width."""
    models: dict[str, NDArray[np.int64]] = {}
    for name, own in scores.items():
        missing = round(share * len(own)) - int(filters.alive[name].sum())
        ranked = np.argsort(-own, kind="stable")[: int(filters.alive[name].sum())]
        models[name] = np.resize(ranked, max(0, missing)).astype(np.int64)
    filters.grow(models, draw)


def _prune_to(filters: Filters, wanted: int, scores: dict[str, NDArray[np.float64]]) -> None:
    """Keep `wanted` units, each layer the same share, those with the largest scores; one in each at least."""
    widths = np.array([len(own) for own in scores.values()])
    left = proportional(
        widths - 1.0, np.minimum(widths, list(filters.widths().values())) - 1, wanted - len(widths)
    )
    alive = {}
    for (name, own), more in zip(scores.items(), left.tolist(), strict=True):
        ranked = np.argsort(-np.where(filters.alive[name], own, -1.0), kind="stable")
        alive[name] = np.zeros(len(own), dtype=np.bool_)
        alive[name][ranked[: 1 + more]] = True
    filters.put(alive)
