"""Adversarial samples: training against them, and accuracy under attack."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from workloads.errors import WorkloadError, shown
from workloads.importers.torch.library import Array, torch
from workloads.learning.fitting import Samples

F: Final = torch.nn.functional


@dataclass(frozen=True)
class Attack:
    """Projected gradient descent in the largest norm (Madry et al., ICLR 2018); one step is FGSM.

    x' = x + clip(x' - x + step sign(dL/dx'), -radius, radius)

    Attributes
    ----------
    radius
        Largest change of a feature, in deviations of the training samples (inputs are scaled by them).
    steps
        Gradient steps; each moves 2.5 radius / steps, the first from x itself.

    """

    radius: float = 0.3
    steps: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.radius < np.inf or self.steps < 1:
            raise WorkloadError(
                f"attack: radius must be 0 or more and steps positive, got {shown(self.radius)} and "
                f"{shown(self.steps)}"
            )

    def __call__(self, module: Any, inputs: Array, labels: Array) -> Array:
        """Return inputs that the module gets wrong more often; its weights' gradients stay as they are."""
        move = self.radius if self.steps == 1 else 2.5 * self.radius / self.steps
        moved = inputs.detach()
        for _ in range(self.steps):
            moved = moved.clone().requires_grad_()
            (slope,) = torch.autograd.grad(F.cross_entropy(module(moved), labels), [moved])
            change = (moved.detach() + move * slope.sign() - inputs).clamp(-self.radius, self.radius)
            moved = inputs + change
        return moved.detach()


@dataclass(frozen=True)
class HybridLoss:
    """(1 - share) L(x) + share L(x'): clean and adversarial samples together, as DNR trains.

    Attributes
    ----------
    attack
        Makes x'.
    share
        Weight of adversarial samples, 0 to 1.

    """

    attack: Attack = Attack()
    share: float = 0.5

    def __call__(self, module: Any, inputs: Array, labels: Array) -> Array:
        """Return the loss."""
        clean = F.cross_entropy(module(inputs), labels)
        if not self.share:
            return clean
        attacked = F.cross_entropy(module(self.attack(module, inputs, labels)), labels)
        return (1 - self.share) * clean + self.share * attacked


def robustness(module: Any, samples: Samples, positions: Any, attack: Attack, batch: int = 512) -> float:
    """Return the share of samples that stay right under an attack."""
    was, right = module.training, 0
    module.eval()
    try:
        for start in range(0, len(positions), batch):
            inputs, labels = samples.batch(positions[start : start + batch])
            moved = attack(module, inputs, labels)
            with torch.no_grad():
                right += int((module(moved).argmax(1) == labels).sum())
    finally:
        module.train(was)
    return right / len(positions)
