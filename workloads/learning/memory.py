"""Adam's memory of connections that have just grown.

A connection that is not there has no gradient, and Adam's second moment of it, v, falls to nothing. Its first
step after it grows is then (1 - b1) g / sqrt((1 - b2) g^2) = 3.2 learning rates whatever its gradient, and
those after up to six: growth would shake what is there. A new connection has no first moment, and the mean
second moment of its layer's connections.
"""

from typing import Any

from workloads.importers.torch.library import Array, torch


class Memory:
    """Notes which connections there are, and gives those that appear a memory.

    Parameters
    ----------
    module
        With masked layers, or without.
    optimizer
        A `torch.optim.Adam` or `AdamW` of its parameters.

    """

    def __init__(self, module: Any, optimizer: Any) -> None:
        self._layers = list(module.masked_layers().values()) if hasattr(module, "masked_layers") else []
        self._moments = optimizer.state
        self._there: list[Array] = []
        self.note()

    def note(self) -> None:
        """Note the connections that there are now."""
        self._there = [layer.mask > 0 for layer in self._layers]

    def settle(self) -> None:
        """Give connections that appeared since `note` their moments."""
        for layer, before in zip(self._layers, self._there, strict=True):
            state = self._moments.get(layer.weight, {})
            fresh = (layer.mask > 0) & ~before
            if "exp_avg_sq" not in state or not fresh.any():
                continue
            with torch.no_grad():
                known = state["exp_avg_sq"][before]
                state["exp_avg"][fresh] = 0.0
                state["exp_avg_sq"][fresh] = known.mean() if known.numel() else 0.0
