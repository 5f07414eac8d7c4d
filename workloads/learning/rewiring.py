"""Dynamic rewiring: a fixed number of connections that move to where momentum is (DNR)."""

from typing import Any, Final

import numpy as np

from workloads.errors import WorkloadError, shown
from workloads.grammar.arguments import WHOLE, takes
from workloads.importers.torch.library import Array, torch
from workloads.learning.arguments import DATA, NETWORK
from workloads.learning.arguments import TRAINING as _TRAINING
from workloads.learning.data import Data
from workloads.learning.fitting import TRAINING, Loss, Samples, Training, cross_entropy, fit
from workloads.learning.plasticity import possible, seed_connections
from workloads.learning.synthesis import Log, Synthesised
from workloads.modules.graph_module import GraphModule
from workloads.network import Network
from workloads.sparsity.allocation import proportional

_DECAY: Final = 0.9
REGROWTH: Final = ("momentum", "magnitude")
"""What layers' shares of the regrowth, and the places in them, go by."""


@takes(network=NETWORK, data=DATA, keep=WHOLE, training=_TRAINING)
def rewired(
    network: Network,
    data: Data,
    keep: int,
    training: Training = TRAINING,
    *,
    by: str = "momentum",
    prune: float = 0.5,
    loss: Loss | None = None,
    rho: float = 0.0,
) -> Synthesised:
    """Train `keep` connections that are rewired after every epoch: the weakest go, others come.

    Parameters
    ----------
    network
        The largest network.
    data, training
        As `fit` takes them.
    keep
        Connections, from first to last.
    by
        "momentum": layers get connections back in proportion to the mean momentum of their weights, dormant
        ones included, where it is largest. "magnitude", the parent: in proportion to the mean magnitude of
        the weights that stayed, at random places.
    prune
        Share of each layer's connections that goes after the first epoch; it falls along half a cosine to
        nothing at the last.
    loss
        For example `robust.HybridLoss()`; by default cross entropy of clean samples.
    rho
        Pull of the dynamic L2 term rho/2 |W - Z + U|^2 on the connections that would go next; 0 for none.
        Z is W + U without its weakest, U the sum of what that left out (ADMM), renewed every epoch.

    Notes
    -----
    Kundu, Nazemi, Beerel, Pedram, "DNR", ASP-DAC 2021; momentum after Dettmers and Zettlemoyer, arXiv
    1907.04840. The paper's details beyond its abstract (the size of rho, when Z is renewed) are our reading.
    Momentum of dormant connections needs a dense gradient at every step, and `phases` says so.

    """
    if by not in REGROWTH:
        raise WorkloadError(f"by must be one of {', '.join(REGROWTH)}, got {shown(by)}")
    if not 0 < prune <= 1 or rho < 0:
        raise WorkloadError(
            f"prune must be in (0, 1] and rho not negative, got {shown(prune)} and {shown(rho)}"
        )
    module = GraphModule(network, seed=training.seed, masked=True)
    if not 1 <= keep <= possible(module):
        raise WorkloadError(f"{network.name}: keep must be 1 to {possible(module):,}, got {shown(keep)}")
    seed_connections(module, keep, training.seed)
    samples = Samples(data, network)
    wires = _Wires(module, training.seed, rho, loss or cross_entropy)
    log = Log(module, training, data)
    looking = by == "momentum"

    def change(epoch: int) -> None:
        done = epoch / training.epochs
        share = prune * (1 + np.cos(np.pi * done)) / 2
        if epoch < training.epochs and share > 0:
            wires.rewire(share, by)
        log.note(len(data.train) if looking else 0)

    if looking:
        for layer in module.masked_layers().values():
            layer.watched = True
    try:
        fitted = fit(
            module,
            data,
            training,
            samples=samples,
            after_epoch=change,
            after_step=wires.note if looking else None,
            loss=wires.loss,
        )
    finally:
        for layer in module.masked_layers().values():
            layer.watched, layer.seen = False, None
    return log.result(fitted)


class _Wires:
    """Momentum of every connection, and what the dynamic L2 term remembers."""

    def __init__(self, module: GraphModule, seed: int, rho: float, clean: Loss) -> None:
        self.layers = module.masked_layers()
        self.momentum = {name: torch.zeros_like(layer.weight) for name, layer in self.layers.items()}
        self.draw = torch.Generator().manual_seed(seed)
        self.rho, self.clean = rho, clean
        self.target: dict[str, Array] = {}
        self.left_out = {name: torch.zeros_like(layer.weight) for name, layer in self.layers.items()}

    def note(self) -> None:
        """Take up the gradients of a step: m <- 0.9 m + 0.1 dL/dw, of dormant connections too."""
        for name, layer in self.layers.items():
            self.momentum[name].mul_(_DECAY).add_(layer.dense_gradient(), alpha=1 - _DECAY)

    def loss(self, module: Any, inputs: Array, labels: Array) -> Array:
        """Return the loss with the dynamic L2 term."""
        made = self.clean(module, inputs, labels)
        if self.rho and self.target:
            for name, layer in self.layers.items():
                away = layer.weight * layer.mask - self.target[name] + self.left_out[name]
                made = made + self.rho / 2 * (away * layer.mask).square().sum()
        return made

    def rewire(self, share: float, by: str) -> None:
        """Drop a share of every layer's connections and bring as many back."""
        stay, worth, total = {}, [], 0
        for name, layer in self.layers.items():
            count = int(layer.mask.sum())
            total += count
            held = (layer.weight * layer.mask).detach()
            stay[name] = _largest(held.abs() + (layer.mask > 0) * 1e-30, count - int(share * count))
            strength = self.momentum[name].abs() if by == "momentum" else held[stay[name]].abs()
            worth.append(float(strength.mean()) if strength.numel() else 0.0)
            if self.rho:
                known = held + self.left_out[name]
                self.target[name] = known * stay[name]
                self.left_out[name] = known - self.target[name]
        sizes = [layer.mask.numel() - int(stay[name].sum()) for name, layer in self.layers.items()]
        back = proportional(worth, np.array(sizes), total - sum(int(one.sum()) for one in stay.values()))
        for (name, layer), count in zip(self.layers.items(), back.tolist(), strict=True):
            wish = self.momentum[name].abs()
            if by != "momentum":
                wish = torch.rand(layer.weight.shape, generator=self.draw)
            new = stay[name] | _largest(torch.where(stay[name], -1.0, wish), count)
            layer.put(new)


def _largest(scores: Array, count: int) -> Array:
    """Return where the `count` largest scores of a layer are."""
    chosen = torch.zeros(scores.numel(), dtype=torch.bool)
    if count > 0:
        chosen[torch.topk(scores.flatten(), count).indices] = True
    return chosen.reshape(scores.shape)
