"""Mixture normalisation as a trainable layer; with one component it is batch norm."""

from collections.abc import Sequence
from typing import Any

from workloads.importers.torch.library import Array, torch
from workloads.modules.layers import Module, Roles
from workloads.operations import MixtureNorm
from workloads.shapes import Shape


class MixtureNormLayer(Module):  # type: ignore[misc]
    """x' = sum_k nu_k(x) / sqrt(lambda_k) (x - mu_k) / sigma_k, then scale and shift.

    x is (samples, channels, *positions), nu_k(x) the posterior of Gaussian k given the channels at one
    position, lambda_k its mean. In training nu comes from the running mixture and mu, sigma, lambda from the
    batch, weighted by nu; at inference all are the running ones. The first batch places the means at randomly
    drawn positions. Kalayeh and Shah, IEEE TPAMI 2020 (arXiv 1806.02892); the paper fits the mixture by
    expectation maximisation on whole epochs, here it follows batch by batch. One component gives
    torch.nn.BatchNorm, running statistics included.
    """

    def __init__(self, components: int, channels: int, momentum: float = 0.1, eps: float = 1e-5) -> None:
        super().__init__()
        self.components, self.momentum, self.eps = components, momentum, eps
        self.weight = torch.nn.Parameter(torch.ones(channels))
        self.bias = torch.nn.Parameter(torch.zeros(channels))
        self.register_buffer("mean", torch.zeros(components, channels))
        self.register_buffer("variance", torch.ones(components, channels))
        self.register_buffer("prior", torch.full((components,), 1.0 / components))
        self.register_buffer("batches", torch.tensor(0))

    def forward(self, x: Array) -> Array:
        """Return the normalised input."""
        flat = x.movedim(1, -1).reshape(-1, x.shape[1])  # (positions, channels)
        if self.training and self.batches == 0 and self.components > 1:
            self._start(flat.detach())
        shares = self._posteriors(flat.detach())  # (positions, components)
        if self.training:
            mean, variance, prior = self._of_batch(flat, shares)
        else:
            mean, variance, prior = self.mean, self.variance, self.prior
        weighed = shares * prior.rsqrt()
        normal = sum(
            weighed[:, k, None] * (flat - mean[k]) * (variance[k] + self.eps).rsqrt()
            for k in range(self.components)
        )
        normal = normal * self.weight + self.bias
        return normal.reshape(x.movedim(1, -1).shape).movedim(-1, 1)

    def _start(self, flat: Array) -> None:
        """Place the means at randomly drawn positions, with the batch's variance."""
        drawn = torch.randint(len(flat), (self.components,), device=flat.device)
        self.mean.copy_(flat[drawn])
        self.variance.copy_(flat.var(0, unbiased=False).expand_as(self.variance))

    def _posteriors(self, flat: Array) -> Array:
        if self.components == 1:
            return flat.new_ones(len(flat), 1)
        variance = self.variance + self.eps
        distances = torch.stack(
            [((flat - m) ** 2 / v).sum(1) for m, v in zip(self.mean, variance, strict=True)], 1
        )
        logs = torch.log(self.prior) - 0.5 * (distances + torch.log(variance).sum(1))
        return torch.softmax(logs, 1)

    def _of_batch(self, flat: Array, shares: Array) -> tuple[Array, Array, Array]:
        """Return the batch's weighted statistics, and let the running ones follow."""
        mass = shares.sum(0).clamp_min(self.eps)
        mean = shares.T @ flat / mass[:, None]
        variance = torch.stack(
            [(shares[:, k, None] * (flat - mean[k]) ** 2).sum(0) / mass[k] for k in range(self.components)]
        )
        prior = mass / mass.sum()
        with torch.no_grad():
            unbiased = variance * (mass / (mass - 1).clamp_min(1.0))[:, None]
            for kept, new in ((self.mean, mean), (self.variance, unbiased), (self.prior, prior)):
                kept.lerp_(new, self.momentum)
            self.batches += 1
        return mean, variance, prior


def mixture_norm(operation: MixtureNorm, inputs: Sequence[Shape], masked: bool) -> tuple[Any, Roles]:
    """Make a mixture normalisation."""
    layer = MixtureNormLayer(operation.components, inputs[0][1])
    return layer, {"scale": ("weight",), "shift": ("bias",)}
