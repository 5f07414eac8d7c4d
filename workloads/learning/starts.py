"""Sparse starts: connections chosen before training, by SynFlow, SNIP, GraSP, magnitude or chance."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from workloads.errors import WorkloadError, shown
from workloads.grammar.arguments import WHOLE, takes
from workloads.importers.torch.library import torch
from workloads.learning.arguments import DATA, NETWORK
from workloads.learning.arguments import TRAINING as _TRAINING
from workloads.learning.data import Data
from workloads.learning.fitting import TRAINING, Samples, Training, fit
from workloads.learning.plasticity import possible, prune, seed_connections
from workloads.learning.synthesis import Log, Synthesised
from workloads.modules.graph_module import GraphModule
from workloads.network import Network
from workloads.sparsity.saliency import grasp_scores, snip_scores
from workloads.sparsity.synflow import synflow_of_module

_A_CLASS: Final = 10
"""Samples of each class that SNIP and GraSP look at, as their authors do."""

Start = Callable[[GraphModule, Samples, int, int], None]


def start_sparse(module: GraphModule, samples: Samples, keep: int, method: str, seed: int = 0) -> None:
    """Choose the connections that a module begins with, over all layers, in place.

    Parameters
    ----------
    module
        With masks, not trained yet.
    samples
        SNIP and GraSP look at ten training samples a class; the others at none.
    keep
        Connections to keep.
    method
        "synflow" (Tanaka et al., NeurIPS 2020), "snip" (Lee et al., ICLR 2019), "grasp" (Wang et al., ICLR
        2020), "magnitude" or "random".
    seed
        Of what is drawn.

    """
    if method not in STARTS:
        raise WorkloadError(f"start must be one of {', '.join(STARTS)}, got {shown(method)}")
    if not 1 <= keep <= possible(module):
        raise WorkloadError(f"keep must be 1 to {possible(module):,} connections, got {shown(keep)}")
    STARTS[method](module, samples, keep, seed)


@takes(network=NETWORK, data=DATA, keep=WHOLE, training=_TRAINING)
def sparse_from_start(
    network: Network, data: Data, keep: int, training: Training = TRAINING, *, start: str = "synflow"
) -> Synthesised:
    """Choose `keep` connections before training, and train those.

    Parameters
    ----------
    network
        The largest network.
    data, training
        As `fit` takes them.
    keep
        Connections, from first to last.
    start
        A method of `start_sparse`.

    """
    module = GraphModule(network, seed=training.seed, masked=True)
    samples = Samples(data, network)
    start_sparse(module, samples, keep, start, training.seed)
    log = Log(module, training, data)
    fitted = fit(module, data, training, samples=samples, after_epoch=lambda _: log.note())
    return log.result(fitted)


def _few(samples: Samples, seed: int) -> tuple[Any, Any]:
    data, draw = samples.data, np.random.default_rng(seed)
    chosen = [
        draw.permutation(data.train[data.labels[data.train] == one])[:_A_CLASS] for one in range(data.classes)
    ]
    return samples.batch(np.concatenate(chosen))


def _by_scores(score: Callable[..., dict[str, Any]]) -> Start:
    def start(module: GraphModule, samples: Samples, keep: int, seed: int) -> None:
        found = score(module, *_few(samples, seed))
        named = {
            name: torch.from_numpy(np.array(found[_weight_of(module, name)])) for name in _layers(module)
        }
        least = min(float(one.min()) for one in named.values())
        prune(module, keep, {name: (one - least).float() for name, one in named.items()})

    return start


def _synflow(module: GraphModule, samples: Samples, keep: int, seed: int) -> None:
    shape = samples.batch([0])[0].squeeze(samples.batch_axis).shape
    masks = synflow_of_module(module, tuple(shape), keep / possible(module))
    for name, layer in module.masked_layers().items():
        layer.put(torch.from_numpy(masks[_weight_of(module, name)].astype(np.float32)))


def _magnitude(module: GraphModule, samples: Samples, keep: int, seed: int) -> None:
    prune(module, keep, {n: layer.weight.detach().abs() for n, layer in module.masked_layers().items()})


def _random(module: GraphModule, samples: Samples, keep: int, seed: int) -> None:
    seed_connections(module, keep, seed)


def _layers(module: GraphModule) -> list[str]:
    return list(module.masked_layers())


def _weight_of(module: GraphModule, layer: str) -> str:
    (name,) = module.roles[layer]["weight"]
    return name


STARTS: Final[dict[str, Start]] = {
    "synflow": _synflow,
    "snip": _by_scores(snip_scores),
    "grasp": _by_scores(grasp_scores),
    "magnitude": _magnitude,
    "random": _random,
}
"""Methods by name."""
