"""NeST: a small sparse seed grows units that bridge and connections, and is then pruned."""

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from workloads.errors import WorkloadError, shown
from workloads.grammar.arguments import WHOLE, takes
from workloads.importers.torch.library import Array, torch
from workloads.learning.arguments import DATA, NETWORK
from workloads.learning.arguments import TRAINING as _TRAINING
from workloads.learning.data import Data
from workloads.learning.fitting import TRAINING, Samples, Training, fit
from workloads.learning.plasticity import (
    activities,
    connections,
    drop_orphans,
    duplicate,
    possible,
    prune,
    seed_connections,
)
from workloads.learning.synthesis import Log, Synthesised, regrow
from workloads.learning.wiring import Wiring
from workloads.modules.graph_module import GraphModule
from workloads.network import Network

F: Final = torch.nn.functional
_SEEN: Final = 512


def bridging(
    module: Any, layer: str, samples: Samples, positions: Any, wiring: Wiring | None = None
) -> dict[str, Array]:
    """Return B of a linear layer and each of its readers: what a path from input to reader would do.

    B = -(1/N) H^T dL/du: H inputs of the layer, u sums of the reader before its non-linearity

    Parameters
    ----------
    module
        The module; its weights and their gradients stay as they are.
    layer
        The layer whose units are to grow.
    samples, positions
        What the mean loss is taken over.
    wiring
        The network's, where it is at hand.

    Returns
    -------
    dict of str to tensor
        Reader -> shape (inputs of the layer, outputs of the reader).

    """
    wires = wiring or Wiring(module.network)
    layers = module.masked_layers()
    readers = [name for name, _ in wires.readers(layer) if name in layers]
    seen: dict[str, Array] = {}
    hooks = [layers[layer].register_forward_pre_hook(lambda _, given: seen.__setitem__("in", given[0]))]
    for name in readers:

        def note(_: Any, __: Any, made: Array, name: str = name) -> None:
            seen[name] = made

        hooks.append(layers[name].register_forward_hook(note))
    was = module.training
    module.eval()
    try:
        inputs, labels = samples.batch(positions)
        loss = F.cross_entropy(module(inputs), labels)
        slopes = torch.autograd.grad(loss, [seen[name] for name in readers])
    finally:
        module.train(was)
        for hook in hooks:
            hook.remove()
    before = seen["in"].detach()
    return {name: -before.T @ slope for name, slope in zip(readers, slopes, strict=True)}


def add_bridge(
    module: Any,
    layer: str,
    bridges: dict[str, Array],
    draw: np.random.Generator,
    *,
    share: float = 0.1,
    strength: float = 0.3,
    wiring: Wiring | None = None,
) -> int:
    """Put a unit into a free place that connects what `bridging` found worth connecting; return the place.

    in_i += e sgn(B_ij) sqrt|B_ij|, out_j += e sqrt|B_ij|, e = +-1, for the pairs of largest |B|

    Parameters
    ----------
    module
        The module, changed in place.
    layer
        Where the unit goes.
    bridges
        Of `bridging`.
    draw
        Of the signs, and of the pairs: half of the `share` largest, so that units differ.
    share
        Pairs that count, of all.
    strength
        Mean |w| of the new connections, of the mean of those that the layer has.
    wiring
        The network's, where it is at hand.

    Returns
    -------
    int
        -1 where no place is free.

    Notes
    -----
    NeST's policy 2 (Dai, Yin, Jha, IEEE Trans. Computers 2019).

    """
    wires = wiring or Wiring(module.network)
    layers = module.masked_layers()
    own = layers[layer]
    free = torch.nonzero(own.mask.flatten(1).sum(1) == 0).flatten()
    if not len(free):
        return -1
    place = int(free[0])
    fan_in = torch.zeros(own.weight.shape[1])
    with torch.no_grad():
        for reader, columns in wires.readers(layer):
            if reader not in bridges:
                continue
            found = bridges[reader]
            count = max(1, round(share * found.numel()))
            chosen = torch.zeros(found.numel())
            best = torch.topk(found.abs().flatten(), count).indices
            chosen[best[torch.from_numpy(draw.permutation(count)[: max(1, count // 2)])]] = 1
            chosen = chosen.reshape(found.shape)
            sign = torch.from_numpy(draw.choice([-1.0, 1.0], tuple(found.shape))).to(found.dtype)
            root = chosen * sign * found.abs().sqrt()
            fan_in += (root * found.sign()).sum(1)
            other = layers[reader]
            target = int(columns[columns[:, 1] == place, 0][0])
            other.mask[:, target] = (root.sum(0) != 0).to(other.mask.dtype)
            other.weight[:, target] = _scaled(root.sum(0), other, strength)
        own.mask[place] = (fan_in != 0).to(own.mask.dtype)
        own.weight[place] = _scaled(fan_in, own, strength)
        if own.bias is not None:
            own.bias[place] = 0
    return place


def _scaled(new: Array, layer: Any, strength: float) -> Array:
    """Scale new weights so that their mean magnitude is `strength` times that of those that are there."""
    there = (layer.weight * layer.mask).abs().sum() / layer.mask.sum().clamp(min=1)
    mean = new.abs().sum() / (new != 0).sum().clamp(min=1)
    return new * (strength * there / mean if float(mean) > 0 else 0.0)


@takes(network=NETWORK, data=DATA, keep=WHOLE, training=_TRAINING)
def nest(
    network: Network,
    data: Data,
    keep: int,
    training: Training = TRAINING,
    *,
    seed_width: float = 0.4,
    seed_density: float = 0.1,
    by: str = "bridging",
) -> Synthesised:
    """Grow a perceptron from a small sparse seed, unit by unit and edge by edge, and prune it to `keep`.

    Parameters
    ----------
    network
        The largest network: linear layers, each hidden one read by linear layers.
    data, training
        As `fit` takes them.
    keep
        Connections in the end.
    seed_width, seed_density
        Share of the units of hidden layers, and of the connections between them, at first.
    by
        How units grow, over the first third of the epochs: "bridging", or "duplication" of the most active.

    Notes
    -----
    Dai, Yin, Jha, "NeST", IEEE Trans. Computers 2019. Connections grow by gradient to half of all after every
    epoch of the first third, and are then pruned along a cubic curve until eight tenths.

    """
    if by not in UNITS:
        raise WorkloadError(f"by must be one of {', '.join(UNITS)}, got {shown(by)}")
    if not (0 < seed_width <= 1 and 0 < seed_density <= 1):
        raise WorkloadError(
            f"seed_width and seed_density must be in (0, 1], got {seed_width} and {seed_density}"
        )
    if training.epochs < 2:
        raise WorkloadError(f"nest: epochs must be 2 or more, to grow and to prune, got {training.epochs}")
    module = GraphModule(network, seed=training.seed, masked=True)
    total = possible(module)
    if not 1 <= keep <= total:
        raise WorkloadError(f"{network.name}: keep must be 1 to {total:,} connections, got {shown(keep)}")
    samples, wiring = Samples(data, network), Wiring(network)
    draw = np.random.default_rng(training.seed)
    layers = module.masked_layers()
    hidden = [name for name in layers if name not in wiring.last]
    seed_connections(module, max(keep, round(seed_density * total)), training.seed)
    for name in hidden:
        mask = layers[name].mask.clone()
        mask[max(1, round(seed_width * len(mask))) :] = 0
        layers[name].put(mask)
    drop_orphans(module, wiring)
    log = Log(module, training, data)
    grown_until = max(1, training.epochs // 3)

    def change(epoch: int) -> None:
        done, looked = epoch / training.epochs, 0
        if epoch <= grown_until:
            for name in hidden:
                missing = sum(1 for own in layers[name].mask.flatten(1).sum(1).tolist() if own == 0)
                count = -(-missing // (grown_until - epoch + 1))
                UNITS[by](module, name, count, samples, draw, wiring)
            share = 0.5 * epoch / grown_until
            looked = regrow(
                module,
                samples,
                data,
                max(0, round(share * total) - connections(module)),
                "gradient",
                training.seed + epoch,
            )
        else:
            left = max(0.0, 1 - (done - 1 / 3) / (0.8 - 1 / 3))
            prune(module, keep + round(max(0.0, 0.5 * total - keep) * left**3))
            drop_orphans(module, wiring)
        log.note(looked)

    settled = math.ceil(0.8 * training.epochs)
    fitted = fit(module, data, training, samples=samples, after_epoch=change, patient_after=settled)
    return log.result(fitted)


def _bridge(
    module: Any, name: str, count: int, samples: Samples, draw: np.random.Generator, wiring: Wiring
) -> None:
    if count:
        seen = draw.permutation(samples.data.train)[:_SEEN]
        found = bridging(module, name, samples, seen, wiring)
    for _ in range(count):
        add_bridge(module, name, found, draw, wiring=wiring)


def _duplicate(
    module: Any, name: str, count: int, samples: Samples, draw: np.random.Generator, wiring: Wiring
) -> None:
    activity = activities(module, samples, draw.permutation(samples.data.train)[:_SEEN])[name]
    for _ in range(count):
        duplicate(module, name, activity, int(draw.integers(1 << 30)), wiring)
        activity[int(np.argmax(activity))] *= 0.5


UNITS: Final[dict[str, Callable[..., None]]] = {"bridging": _bridge, "duplication": _duplicate}
"""How units grow."""
