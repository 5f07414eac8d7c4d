"""Parameters that meet only constants stay parameters, with their work and their gradients."""

import pytest
import torch
from torch import nn

import workloads
from tests.torch.modules import Function


def learnt(module):
    return sum(p.numel() for p in module.parameters())


def placed():
    module = Function(lambda self, x: self.l(x) + self.pos(self.grid), l=nn.Linear(8, 8), pos=nn.Linear(2, 8))
    module.register_buffer("grid", torch.rand(64, 2))
    return module


def test_a_layer_of_constants_is_work():
    module = placed()
    network = workloads.from_torch(module, torch.zeros(1, 64, 8))
    assert (network.parameters, network.macs) == (96, 5120)
    assert network.training(batch=1).macs == 10_240
    assert network.graph.weights["pos.weight"].shape == (8, 2)
    assert network.graph.weights["grid"].trained is False


def test_it_does_not_grow_with_the_batch():
    network = workloads.from_torch(placed(), torch.zeros(1, 64, 8))
    assert (
        network.table(3).macs.sum()
        == 3 * 4096 + 1024
        == workloads.from_torch(placed(), torch.zeros(3, 64, 8)).macs
    )
    assert network.training(batch=3).macs == 2 * (3 * 4096 + 1024)


def latents(self, x):
    return self.norm(self.q(self.latents)) @ x.transpose(1, 2)


def scaled(self, x):
    return x + self.scale * self.grid


def convolved(self, x):
    return self.c(self.image) * x


@pytest.mark.parametrize(
    ("forward", "parts", "shape", "macs"),
    [
        (
            latents,
            {"latents": nn.Parameter(torch.ones(4, 8)), "q": nn.Linear(8, 8), "norm": nn.LayerNorm(8)},
            (2, 5, 8),
            4 * 64 + 2 * 5 * 4 * 8,
        ),
        (scaled, {"scale": nn.Parameter(torch.ones(8)), "grid": torch.ones(5, 8)}, (2, 5, 8), 0),
        (
            convolved,
            {"c": nn.Conv2d(2, 3, 3, padding=1), "image": torch.ones(1, 2, 4, 4)},
            (2, 3, 4, 4),
            54 * 16,
        ),
    ],
)
def test_parameters_are_those_of_the_module(forward, parts, shape, macs):
    held = {name: part for name, part in parts.items() if not isinstance(part, torch.Tensor)}
    held |= {name: part for name, part in parts.items() if isinstance(part, nn.Parameter)}
    module = Function(forward, **held)
    for name, part in parts.items():
        if name not in held:
            module.register_buffer(name, part)
    network = workloads.from_torch(module, torch.zeros(shape))
    assert network.parameters == learnt(module)
    assert network.macs == macs
    step = network.training()
    assert {name for name in step.graph.nx.nodes if "gradient" in name}


def test_what_makes_a_weight_is_still_computed():
    def standardised(self, x):
        weight = self.c.weight
        weight = (weight - weight.mean((1, 2, 3), keepdim=True)) * weight.var((1, 2, 3), keepdim=True).rsqrt()
        return nn.functional.conv2d(x, weight)

    network = workloads.from_torch(
        Function(standardised, c=nn.Conv2d(2, 3, 3, bias=False)), torch.zeros(1, 2, 4, 4)
    )
    assert [operation.kind for operation in network.operations] == ["convolution"]
    assert network.parameters == 54


class KeyWithoutBias(nn.Module):
    """Query and value have biases, the key's is held at zero, as in BEiT."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(24, 8))
        self.q, self.v = nn.Parameter(torch.randn(8)), nn.Parameter(torch.randn(8))
        self.register_buffer("k", torch.zeros(8))

    def forward(self, x):
        return nn.functional.linear(x, self.weight, torch.cat((self.q, self.k, self.v)))


def test_what_is_joined_to_parameters_does_not_count_as_one():
    module = KeyWithoutBias()
    net = workloads.from_torch(module, (torch.randn(3, 8),))
    assert net.parameters == sum(p.numel() for p in module.parameters()) == 24 * 8 + 16
    assert net.nonzero_parameters <= net.parameters
    assert (
        workloads.from_torch(module.to("meta"), (torch.randn(3, 8, device="meta"),)).parameters == 24 * 8 + 16
    )


class Masked(nn.Module):
    """A token that only training puts in, and a head tied to an embedding."""

    def __init__(self):
        super().__init__()
        self.mask_token = nn.Parameter(torch.zeros(1, 8))
        self.embedding, self.head = nn.Embedding(11, 8), nn.Linear(8, 11, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, x):
        return self.head(self.embedding(x))


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_parameters_that_nothing_needs_are_the_module_s_all_the_same(device):
    module = Masked().to(device)
    module.head.weight = module.embedding.weight
    net = workloads.from_torch(module, (torch.zeros(2, 3, dtype=torch.long, device=device),))
    assert net.parameters == sum(p.numel() for p in module.parameters()) == 11 * 8 + 8
    assert net.macs == 2 * 3 * 8 * 11


@pytest.mark.parametrize("first", ["whole", "part"])
def test_a_part_and_the_whole_count_once(first):
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.randn(8, 8))

        def forward(self, x):
            whole, part = (lambda: x @ self.w), (lambda: x @ self.w[:, :4])
            return (whole(), part()) if first == "whole" else (part(), whole())

    net = workloads.from_torch(Both(), torch.zeros(2, 8))
    assert (net.parameters, net.macs) == (64, 2 * 64 + 2 * 32)


def test_a_parameter_that_is_given_away_as_it_is_counts():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.w, self.t = nn.Parameter(torch.randn(8, 4)), nn.Parameter(torch.randn(3))

        def forward(self, x):
            return x @ self.w, self.t.sigmoid(), self.w.sum()

    assert workloads.from_torch(Both(), torch.zeros(2, 8)).parameters == 8 * 4 + 3


class Repeated(nn.Module):
    """A table of distances, of which rows are taken again and again for a product."""

    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.randn(7, 8))
        self.register_buffer("distance", (torch.arange(4)[:, None] - torch.arange(4)) + 3)

    def forward(self, x):
        return torch.einsum("bqc,qkc->bqk", x, self.table[self.distance])


@pytest.mark.parametrize(
    ("module", "x"),
    [
        (nn.utils.parametrizations.weight_norm(nn.Conv1d(4, 6, 3)), torch.randn(1, 4, 9)),
        (Repeated(), torch.randn(2, 4, 8)),
        (nn.utils.spectral_norm(nn.Linear(4, 8)), torch.randn(2, 4)),
        (nn.utils.parametrizations.spectral_norm(nn.Conv2d(8, 5, 1)), torch.randn(2, 8, 6, 6)),
    ],
    ids=["weight_norm", "repeated", "spectral_norm", "spectral_norm of filters"],
)
def test_a_weight_counts_as_the_parameters_it_is_made_of(module, x):
    assert workloads.from_torch(module, (x,)).parameters == sum(p.numel() for p in module.parameters())
