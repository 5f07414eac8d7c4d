"""SynFlow: against the closed form for perceptrons, by conservation of flow, against the authors' results."""

from math import prod

import numpy as np
import pytest

from tests.sparsity.nets import vgg16_cifar
from workloads import Graph, Network, load
from workloads.networks.blocks import conv_norm, flatten
from workloads.operations import Concat, Elementwise, GlobalPool, Linear, Normalisation, Pool
from workloads.sparsity import published
from workloads.sparsity.checks import SparsityError
from workloads.sparsity.layers import prunable
from workloads.sparsity.linear_flow import fresh_weights, linear_flow
from workloads.sparsity.schemes import sparsify
from workloads.sparsity.synflow import synflow, synflow_of_module

torch = pytest.importorskip("torch", reason="SynFlow needs the torch extra")


def perceptron_masks(matrices: list[np.ndarray], density: float, steps: int) -> list[np.ndarray]:
    """Prune |W1|, |W2|, ... by flow through each edge: what reaches it from ones, times what it reaches."""
    masks = [np.ones_like(matrix) for matrix in matrices]
    for step in range(1, steps + 1):
        live = [np.abs(matrix) * mask for matrix, mask in zip(matrices, masks, strict=True)]
        scores = []
        for place, matrix in enumerate(live):
            before = np.ones(live[0].shape[1])
            for one in live[:place]:
                before = one @ before
            after = np.ones(live[-1].shape[0])
            for one in reversed(live[place + 1 :]):
                after = after @ one
            scores.append(after[:, None] * matrix * before[None, :])
        flat = np.sort(np.concatenate([score.ravel() for score in scores]))
        lowest = int((1 - density ** (step / steps)) * flat.size)
        if lowest:
            masks = [(score > flat[lowest - 1]).astype(float) for score in scores]
    return [mask.astype(bool) for mask in masks]


@pytest.mark.parametrize(("density", "steps"), [(0.5, 1), (0.2, 7), (0.03, 20)])
def test_masks_of_a_perceptron(density: float, steps: int) -> None:
    rng = np.random.default_rng(0)
    net = load("lenet_300_100")
    matrices = {name: rng.normal(size=weight.shape) for name, weight in prunable(net).items()}
    sparse = sparsify(net, "synflow", density=density, iterations=steps, weights=matrices)
    for name, mask in zip(matrices, perceptron_masks(list(matrices.values()), density, steps), strict=True):
        assert np.array_equal(sparse.mask(name), mask)
        assert sparse.weight(name).known == "measured"


def mixed() -> Network:
    """A network with a residual sum, a join, strides, groups and every pool there is."""
    graph = Graph("mixed")
    x = graph.input("image", (1, 3, 17, 17))
    x = conv_norm(graph, "stem", x, 8, 3, stride=2)
    x = graph.add(Pool("pool", "max", 3, 2, 1, ceil_mode=True), x)
    y = conv_norm(graph, "left", x, 8, 3, groups=8)
    x = graph.add(Elementwise("sum", "add"), x, y)
    y = conv_norm(graph, "right", x, 4, (1, 3))
    x = graph.add(Concat("join", 1), x, y)
    x = graph.add(Pool("mean", "average", 2), x)
    x = flatten(graph, graph.add(GlobalPool("top"), x))
    graph.output(graph.add(Linear("fc", 5), x))
    return Network(graph)


def test_flow_is_conserved_through_every_cut() -> None:
    """Tanaka et al., theorem 1: the scores of all weights that cut the network sum to R."""
    net = mixed()
    weights = {name: value.requires_grad_() for name, value in fresh_weights(prunable(net), 0).items()}
    flow = linear_flow(net)(weights)
    slopes = torch.autograd.grad(flow, list(weights.values()))
    scores = {
        name: float((slope * value).sum().detach())
        for (name, value), slope in zip(weights.items(), slopes, strict=True)
    }
    total = float(flow.detach())
    assert scores["stem"] == pytest.approx(total, rel=1e-12)
    assert scores["fc"] == pytest.approx(total, rel=1e-12)
    assert 0 < scores["left"] < total
    assert 0 < scores["right"] < total


def vgg_like() -> tuple[Network, "torch.nn.Module"]:
    graph, widths = Graph("small"), (8, 8, 16)
    x = graph.input("image", (1, 3, 8, 8))
    parts: list[torch.nn.Module] = []
    channels = 3
    for place, width in enumerate(widths):
        x = conv_norm(graph, f"conv{place}", x, width, 3)
        parts += [
            torch.nn.Conv2d(channels, width, 3, padding=1),
            torch.nn.BatchNorm2d(width, eps=0),
            torch.nn.ReLU(),
        ]
        x = graph.add(Pool(f"pool{place}", "max", 2), x)
        parts.append(torch.nn.MaxPool2d(2))
        channels = width
    x = flatten(graph, x)
    graph.output(graph.add(Linear("fc", 10), x))
    return Network(graph), torch.nn.Sequential(*parts, torch.nn.Flatten(), torch.nn.Linear(16, 10))


def test_a_module_and_its_description_are_pruned_alike() -> None:
    torch.manual_seed(0)
    net, module = vgg_like()
    for part in module:
        if getattr(part, "bias", None) is not None:
            torch.nn.init.zeros_(part.bias)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    masks = synflow_of_module(module, (3, 8, 8), 0.1, iterations=10)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    values = {name: module.state_dict()[key] for name, key in zip(prunable(net), masks, strict=True)}
    sparse = sparsify(net, "synflow", density=0.1, iterations=10, weights=values)
    for name, mask in zip(values, masks.values(), strict=True):
        assert np.array_equal(sparse.mask(name), mask)


def test_linear_schedule_and_dense_layers() -> None:
    net, _ = vgg_like()
    sparse = sparsify(net, "synflow", density=0.2, iterations=1, schedule="linear", dense=["conv0"], seed=3)
    assert sparse.weight("conv0").density == 1.0
    pruned = [sparse.weight(name) for name in prunable(net) if name != "conv0"]
    # Only weights that tie with the last one pruned can be missing beside.
    assert abs(sum(w.nonzeros for w in pruned) - 0.2 * sum(w.size for w in pruned)) < 5
    again = sparsify(net, "synflow", density=0.2, iterations=1, schedule="linear", dense=["conv0"], seed=3)
    assert again == sparse


def vgg16_module() -> "torch.nn.Module":
    """VGG-16 with batch norm for CIFAR-100, initialised as in the authors' repository."""
    parts: list[torch.nn.Module] = []
    side = 32
    for layer in vgg16_cifar().values():
        if layer.side != side:
            parts.append(torch.nn.MaxPool2d(2))
            side = layer.side
        conv = torch.nn.Conv2d(layer.channels, layer.filters, 3, padding=1)
        torch.nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
        torch.nn.init.zeros_(conv.bias)
        parts += [conv, torch.nn.BatchNorm2d(layer.filters), torch.nn.ReLU()]
    fc = torch.nn.Linear(512, 100)
    torch.nn.init.normal_(fc.weight, 0, 0.01)
    torch.nn.init.zeros_(fc.bias)
    return torch.nn.Sequential(*parts, torch.nn.MaxPool2d(2), torch.nn.Flatten(), fc)


@pytest.mark.published
def test_densities_of_vgg16_are_the_authors() -> None:
    """SynFlow authors' results, VGG-16, CIFAR-100, 10x: here 8 of their 100 steps, and other weights.

    The scores of a fresh network hang on its shape: layers of up to 10^6 weights agree to 1.5 points, the
    five large ones, whose share is small, to 0.6.
    """
    torch.manual_seed(0)
    masks = synflow_of_module(vgg16_module(), (3, 32, 32), 0.1, iterations=8)
    table = published.layers("vgg16_cifar100", "synflow-10")
    got = [float(mask.mean()) for mask in masks.values()]
    assert [prod(mask.shape) for mask in masks.values()] == [row.elements for row in table]
    for density, row in zip(got, table, strict=True):
        assert density == pytest.approx(row.weight_density, abs=0.006 if row.weight_density < 0.1 else 0.015)
    kept, total = sum(int(mask.sum()) for mask in masks.values()), sum(mask.size for mask in masks.values())
    assert abs(kept - 0.1 * total) < 5  # the authors' own check


def test_what_cannot_flow_is_refused_by_name() -> None:
    graph = Graph("odd")
    x = graph.add(Linear("fc", 4), graph.input("x", (1, 4)))
    graph.output(graph.add(Normalisation("norm"), x))
    with pytest.raises(SparsityError, match=r"synflow: layernorm 'norm' has no linear counterpart"):
        sparsify(Network(graph), "synflow", density=0.5)
    net = load("lenet_300_100")
    with pytest.raises(SparsityError, match=r"synflow: iterations must be at least 1, got 0"):
        sparsify(net, "synflow", density=0.5, iterations=0)
    with pytest.raises(
        SparsityError, match=r"synflow: schedule must be one of exponential, linear, got 'sine'"
    ):
        sparsify(net, "synflow", density=0.5, schedule="sine")
    with pytest.raises(SparsityError, match=r"synflow: density must be in \(0, 1\], got 0"):
        sparsify(net, "synflow", density=0)
    with pytest.raises(SparsityError, match=r"synflow: the module has no convolution"):
        synflow_of_module(torch.nn.ReLU(), (4,), 0.5)
    with pytest.raises(SparsityError, match=r"synflow: the flow overflows"):
        synflow(lambda live: live["w"].sum() * 1e300 * 1e300, {"w": torch.ones(3)}, 0.5, 1)


def test_flow_through_cut_and_padded_shortcuts() -> None:
    """ResNet-20's shortcuts take every second position and pad channels with zeros: R by hand, and a mask."""
    dense = load("resnet20_cifar10")
    layers = prunable(dense)
    values = fresh_weights(layers, 0)
    flow = linear_flow(dense)(values)

    def convolve(x: torch.Tensor, name: str, stride: int = 1) -> torch.Tensor:
        return torch.nn.functional.conv2d(x, values[name], stride=stride, padding=1)

    x = convolve(torch.ones(1, 3, 32, 32, dtype=torch.float64), "conv1")
    for stage in (1, 2, 3):
        for block in range(3):
            stride = 2 if stage > 1 and block == 0 else 1
            y = convolve(convolve(x, f"layer{stage}.{block}.conv1", stride), f"layer{stage}.{block}.conv2")
            short = x[:, :, ::stride, ::stride]
            more = y.shape[1] - x.shape[1]
            x = y + torch.nn.functional.pad(short, (0, 0, 0, 0, more // 2, more - more // 2))
    want = (x.mean((2, 3)) @ values[list(values)[-1]].T).sum()
    assert float(flow) == pytest.approx(float(want), rel=1e-10)  # sums in another order
    pruned = dense.sparsify("synflow", density=0.1, iterations=4)
    kept = sum(one.nonzeros for one in prunable(pruned).values())
    total = sum(one.size for one in layers.values())
    assert kept == pytest.approx(0.1 * total, abs=2)
