"""Connections and units that come and go: growth by gradient, pruning by magnitude, duplication.

All work on the masked layers of a module of `workloads.to_module(network, masked=True)`, in place.

- Growth: the dormant connections with the largest |dL/dw| appear with weight 0 (NeST: Dai, Yin, Jha, IEEE
  Trans. Computers 2019, policy 1; SCANN, arXiv 1904.09090).
- Pruning: the connections with the smallest *effective* weight go: |w| times the scale that a batch norm
  after the layer multiplies it by (NeST, policy 4). Units without fan-in or fan-out go with them.
- Strategic growth: edges from strong units, endpoints from the Gaussian of the weights.
- Duplication: the most active unit of a layer is copied into a free place, half its outgoing weights each,
  plus noise (SCANN's neuron growth).
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workloads.errors import WorkloadError
from workloads.importers.torch.library import Array, torch
from workloads.learning.fitting import Samples
from workloads.learning.wiring import Wiring
from workloads.operations import BatchNorm
from workloads.sparsity.allocation import proportional

F: Final = torch.nn.functional
Gradients = dict[str, Array]
_TRIES: Final = 8
"""Rounds of draws before chance fills up what strategic growth did not find."""


def connections(module: Any) -> int:
    """Count the connections that are there: ones of all masks."""
    return sum(int(layer.mask.sum()) for layer in module.masked_layers().values())


def possible(module: Any) -> int:
    """Count the connections that there could be."""
    return sum(layer.mask.numel() for layer in module.masked_layers().values())


def dense_gradients(module: Any, samples: Samples, positions: Any, batch: int = 256) -> Gradients:
    """Return dL/dw of every connection, present or not, of the mean loss over some samples.

    Parameters
    ----------
    module
        The module; its weights and their gradients stay as they are.
    samples
        The data.
    positions
        Samples to take the loss over.
    batch
        Samples at once.

    """
    layers = module.masked_layers()
    sums = {name: torch.zeros_like(layer.weight) for name, layer in layers.items()}
    kept = {name: parameter.grad for name, parameter in module.named_parameters()}
    was = module.training
    module.eval()  # statistics of batch norm stay
    for layer in layers.values():
        layer.watched = True
    try:
        for start in range(0, len(positions), batch):
            inputs, labels = samples.batch(positions[start : start + batch])
            loss = F.cross_entropy(module(inputs), labels, reduction="sum") / len(positions)
            loss.backward()
            for name, layer in layers.items():
                sums[name] += layer.dense_gradient()
    finally:
        for layer in layers.values():
            layer.watched = False
            layer.seen = None
        for name, parameter in module.named_parameters():
            parameter.grad = kept[name]
        module.train(was)
    return sums


def grow(module: Any, gradients: Gradients, count: int) -> int:
    """Add the `count` dormant connections with the largest gradients, over all layers; return how many."""
    layers = module.masked_layers()
    scores = {name: gradients[name].abs() * (1 - layer.mask) for name, layer in layers.items()}
    added = 0
    for name, chosen in _top(scores, count).items():
        layer = layers[name]
        chosen &= (layer.mask == 0) & (scores[name] > 0)
        added += int(chosen.sum())
        layer.put(((layer.mask > 0) | chosen).to(layer.mask.dtype))
    return added


def grow_randomly(module: Any, count: int, seed: int) -> int:
    """Add `count` dormant connections drawn evenly: what growth by gradient has to beat."""
    draw = torch.Generator().manual_seed(seed)
    layers = module.masked_layers()
    noise = {n: torch.rand(layer.weight.shape, generator=draw) + 1e-6 for n, layer in layers.items()}
    return grow(module, noise, count)


def grow_strategically(module: Any, count: int, seed: int) -> int:
    """Add `count` dormant connections from strong units to endpoints drawn from the weights' Gaussian.

    source j ~ s_j; endpoint i = argmin |t_i - z|, z ~ N(mu, sigma) of t over the connections that there are

    Parameters
    ----------
    module
        The module.
    count
        Connections to add: layers share them in proportion to the connections they have.
    seed
        Of sources and endpoints.

    Returns
    -------
    int
        How many were added.

    Notes
    -----
    s and t are the mean |w| of a unit's connections, as a source and as an endpoint: strong units are those
    that carry weight. The literature's summary says "high-performing nodes as sources, endpoints from the
    Gaussian fitted to the weights"; what performs, and over what the Gaussian is, is our reading. New weights
    are 0. No data and no gradients are looked at. Where every draw is there already, chance fills up.

    """
    draw = np.random.default_rng(seed)
    layers = module.masked_layers()
    free = np.array([int(layer.mask.numel() - layer.mask.sum()) for layer in layers.values()])
    held = [float(layer.mask.sum()) for layer in layers.values()]
    shares = proportional(held, free, min(count, int(free.sum())))
    for layer, wanted in zip(layers.values(), shares.tolist(), strict=True):
        layer.put(((layer.mask > 0) | _edges(layer, wanted, draw)).to(layer.mask.dtype))
    return int(shares.sum())


def _edges(layer: Any, wanted: int, draw: np.random.Generator) -> Array:
    """Choose dormant connections of a layer as `grow_strategically` says."""
    size = (layer.weight * layer.mask).detach().abs()
    grid = size.flatten(2).sum(2) if size.dim() > 2 else size
    source, target = grid.sum(0).double().numpy(), grid.mean(1).double().numpy()
    if not source.sum() > 0:
        source = np.ones_like(source)
    many = (layer.mask.flatten(1).sum(1)).double().numpy()
    mean = float(np.average(target, weights=many if many.any() else None))
    spread = float(np.average((target - mean) ** 2, weights=many if many.any() else None) ** 0.5)
    order = np.argsort(target, kind="stable")
    width = layer.mask[0, 0].numel()
    there = (layer.mask > 0).flatten().numpy().copy()
    new = np.zeros_like(there)
    left = wanted
    for _ in range(_TRIES):
        if not left:
            break
        number = 2 * left + 16
        units = draw.choice(len(source), number, p=source / source.sum())
        places = np.searchsorted(target[order], draw.normal(mean, spread, number))
        ends = order[np.clip(places + draw.integers(-1, 1, number), 0, len(order) - 1)]
        flat = (ends * len(source) + units) * width + draw.integers(0, width, number)
        fresh = np.array(
            [one for one in dict.fromkeys(flat.tolist()) if not there[one]][:left], dtype=np.int64
        )
        there[fresh] = new[fresh] = True
        left -= len(fresh)
    if left:
        rest = draw.permutation(np.flatnonzero(~there))[:left]
        new[rest] = True
    return torch.from_numpy(new).reshape(layer.mask.shape)


def similarity(first: Any, second: Any) -> float:
    """Return the share of one module's connections that another of the same network has, too."""
    pairs = zip(first.masked_layers().values(), second.masked_layers().values(), strict=True)
    common = sum(float((a.mask * b.mask).sum()) for a, b in pairs)
    return common / max(1, connections(first))


def effective_weights(module: Any) -> Gradients:
    """Return |w| times the scale of the batch norm that follows, of every masked layer."""
    network = module.network
    found = {}
    for name, layer in module.masked_layers().items():
        size = (layer.weight * layer.mask).detach().abs()
        output = network.graph.node(name).outputs[0]
        for reader in network.graph.consumers(output):
            if isinstance(network.graph.node(reader).operation, BatchNorm):
                norm = module.get_submodule(reader)
                scale = norm.weight.detach().abs() * (norm.running_var + norm.eps).rsqrt()
                size = size * scale.reshape(-1, *[1] * (size.dim() - 1))
        found[name] = size
    return found


def prune(module: Any, keep: int, scores: Gradients | None = None) -> int:
    """Keep the `keep` connections with the largest scores, over all layers; return how many stay.

    Parameters
    ----------
    module
        The module.
    keep
        Connections to keep.
    scores
        A score a connection; by default the effective weights.

    """
    layers = module.masked_layers()
    if keep < 1:
        raise WorkloadError(f"prune: keep must be at least 1, got {keep}")
    sizes = scores or effective_weights(module)
    present = {name: (sizes[name] + 1e-30) * layer.mask for name, layer in layers.items()}
    for name, chosen in _top(present, keep).items():
        layer = layers[name]
        layer.put((chosen & (layer.mask > 0)).to(layer.mask.dtype))
    return connections(module)


def seed_connections(module: Any, count: int, seed: int) -> None:
    """Start with `count` connections, drawn evenly."""
    draw = torch.Generator().manual_seed(seed)
    layers = module.masked_layers()
    noise = {n: torch.rand(layer.weight.shape, generator=draw) for n, layer in layers.items()}
    prune(module, count, noise)


def drop_orphans(module: Any, wiring: Wiring | None = None) -> int:
    """Remove connections into units nobody reads and out of units that read nothing; return how many went.

    A unit without fan-in makes a constant; its layer's bias is set to 0 there, so that the constant goes too.
    """
    wires = wiring or Wiring(module.network)
    layers = module.masked_layers()
    before = connections(module)
    while True:
        now = connections(module)
        for name, layer in layers.items():
            if name in wires.last:
                continue
            mask = layer.mask
            reads = mask.flatten(1).sum(1) > 0
            read = _read_units(wires, layers, name, len(mask))
            alive = reads & read
            layer.put(mask * alive.to(mask.dtype).reshape(-1, *[1] * (mask.dim() - 1)))
            if layer.bias is not None:
                with torch.no_grad():
                    layer.bias.mul_(alive.to(layer.bias.dtype))
            for reader, columns in wires.readers(name):
                if reader in layers:
                    _cut(layers[reader], columns, alive)
        if connections(module) == now:
            return before - now


def units(module: Any) -> dict[str, int]:
    """Count the units of each masked layer that read something."""
    return {
        name: int((layer.mask.flatten(1).sum(1) > 0).sum()) for name, layer in module.masked_layers().items()
    }


def duplicate(
    module: Any, layer: str, activity: NDArray[np.float64], seed: int, wiring: Wiring | None = None
) -> int:
    """Copy the most active unit of a layer into a free place; return the place, -1 where none is free.

    Both halves of the pair feed half the weight forward, and a tenth of noise lets them part.

    Parameters
    ----------
    module
        The module.
    layer
        The layer.
    activity
        Mean activation of its units, shape (units,).
    seed
        Of the noise.
    wiring
        The network's, where it is at hand.

    """
    wires = wiring or Wiring(module.network)
    layers = module.masked_layers()
    own = layers[layer]
    fan_in = own.mask.flatten(1).sum(1) > 0
    free = torch.nonzero(~fan_in).flatten()
    alive = np.where(fan_in.numpy(), activity, -np.inf)
    if not len(free) or not np.isfinite(alive).any():
        return -1
    model, place = int(np.argmax(alive)), int(free[0])
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        own.mask[place] = own.mask[model]
        own.weight[place] = own.weight[model] * (
            1 + 0.1 * torch.randn(own.weight[model].shape, generator=draw)
        )
        if own.bias is not None:
            own.bias[place] = own.bias[model]
        for reader, columns in wires.readers(layer):
            other = layers.get(reader)
            if other is None:
                continue
            source = columns[columns[:, 1] == model, 0]
            target = columns[columns[:, 1] == place, 0]
            other.mask[:, target] = other.mask[:, source]
            half = other.weight[:, source] / 2
            noise = 0.1 * torch.randn(half.shape, generator=draw)
            other.weight[:, target] = half * (1 + noise)
            other.weight[:, source] = half * (1 - noise)
    return place


def activities(module: Any, samples: Samples, positions: Any) -> dict[str, NDArray[np.float64]]:
    """Return the mean absolute output of each unit of every masked layer that is not the last."""
    layers = module.masked_layers()
    seen: dict[str, NDArray[np.float64]] = {}
    hooks = []
    for name, layer in layers.items():

        def note(_: Any, __: Any, made: Array, name: str = name) -> None:
            axes = [a for a in range(made.dim()) if a != 1]
            seen[name] = torch.relu(made).mean(axes).numpy().astype(np.float64)

        hooks.append(layer.register_forward_hook(note))
    try:
        with torch.no_grad():
            module(samples.batch(positions)[0])
    finally:
        for hook in hooks:
            hook.remove()
    return seen


def _top(scores: Gradients, count: int) -> Gradients:
    """Return, layer by layer, where the `count` largest scores of all layers are."""
    flat = torch.cat([score.flatten() for score in scores.values()])
    count = min(count, flat.numel())
    if count < 1:
        return {name: torch.zeros_like(score, dtype=torch.bool) for name, score in scores.items()}
    chosen = torch.zeros(flat.numel(), dtype=torch.bool)
    chosen[torch.topk(flat, count).indices] = True
    found, start = {}, 0
    for name, score in scores.items():
        found[name] = chosen[start : start + score.numel()].reshape(score.shape)
        start += score.numel()
    return found


def _read_units(wires: Wiring, layers: dict[str, Any], name: str, count: int) -> Array:
    """Whether each unit of a layer is read by a connection; by an unmasked layer all are."""
    read = torch.zeros(count, dtype=torch.bool)
    for reader, columns in wires.readers(name):
        if reader not in layers:
            return torch.ones(count, dtype=torch.bool)
        mask = layers[reader].mask
        used = mask.movedim(1, 0).flatten(1).sum(1) > 0
        if len(used) == len(wires.columns[reader]):
            read[columns[used[columns[:, 0]].numpy(), 1]] = True
        else:  # grouped: a column is seen by its group alone; all count as read
            read[columns[:, 1]] = True
    return read


def _cut(layer: Any, columns: NDArray[np.int64], alive: Array) -> None:
    """Remove the columns of units that are not alive."""
    if layer.mask.shape[1] <= int(columns[:, 0].max()):
        return
    gone = columns[~alive.numpy()[columns[:, 1]], 0]
    mask = layer.mask.clone()
    mask[:, gone] = 0
    layer.put(mask)
