"""Published numbers that need shapes only: the targets T1 to T8 of sparse_networks.md, Part 0."""

import csv
from math import prod

import numpy as np
import pytest

import workloads
from tests.sparsity.masks import reference
from tests.sparsity.nets import resnet20, vgg16_cifar
from workloads.sparsity import allocation, published
from workloads.sparsity.formats import Format, format_bits
from workloads.sparsity.low_rank import Conv, tucker2_macs
from workloads.sparsity.pre_defined import Variant, applies

pytestmark = pytest.mark.published

# ResNet-50's 54 layers as the literature counts them: convolutions and the classifier, biases left out.
NET = workloads.load("resnet50")
SHAPES = {
    node.operation.name: NET.weight(node.operation.name).shape
    for node in NET.graph.nodes()
    if "weight" in node.weights
}
SIZES = {name: prod(shape) for name, shape in SHAPES.items()}
MACS = {
    name: row.macs
    for name, row in zip(NET.lowering().operations, NET.lowering().rows, strict=True)
    if name in SHAPES
}
KEPT_WHOLE = 27_560  # as RigL counts: one value for each of 26,560 normalised channels, 1,000 biases


def mac_fraction(densities: dict[str, float]) -> float:
    return sum(MACS[name] * density for name, density in densities.items()) / sum(MACS.values())


def megabytes(shares: dict[str, float], whole: list[str]) -> float:
    """Size as RigL counts it: bitmask storage of 32-bit weights, and no mask for what is never pruned."""
    pruned = [name for name in shares if name not in whole]
    nonzeros = sum(SIZES[name] * shares[name] for name in pruned)
    stored = float(format_bits(Format.BITMASK, sum(SIZES[name] for name in pruned), nonzeros, 32).bits)
    return (stored / 8 + 4 * (KEPT_WHOLE + sum(SIZES[name] for name in whole))) / 1e6


def test_the_layers_are_those_of_the_literature() -> None:
    assert len(SHAPES) == 54
    assert sum(SIZES.values()) == 25_502_912


def test_t1_erk_layer_by_layer() -> None:
    """STR repository, 90 % table, column ERK, printed to 1 %: no layer further away than rounding."""
    path = reference("resnet50_90pct_str_uniform_erk_snfs_vd_gs.csv")
    with path.open(encoding="utf-8-sig") as file:
        printed = [1 - float(row["ERK"].rstrip("%")) / 100 for row in csv.DictReader(file)]
    got = list(allocation.erdos_renyi_kernel(SHAPES, 0.1).values())
    assert len(printed) == 54
    assert np.abs(np.subtract(got, printed)).max() <= 0.005


def test_t1_erk_at_full_precision_elsewhere() -> None:
    """A table computed by another program, six digits."""
    with reference("erk_resnet50_computed.csv").open() as file:
        rows = list(csv.DictReader(file))
    for level in ("80.0", "90.0", "95.0", "96.5", "98.0"):
        got = allocation.erdos_renyi_kernel(SHAPES, 1 - float(level) / 100)
        for row in rows:
            assert got[row["layer"]] == pytest.approx(float(row[f"density_erk_{level}"]), abs=1e-6)


@pytest.mark.parametrize(("density", "printed"), [(0.2, 0.42), (0.1, 0.24), (0.05, 0.12)])
def test_t2_erk_macs(density: float, printed: float) -> None:
    """RigL README, ResNet-50: FLOPs as a fraction of dense (its 80 % row is 0.006 above ours)."""
    got = mac_fraction(allocation.erdos_renyi_kernel(SHAPES, density))
    assert got == pytest.approx(printed, abs=0.0065)


@pytest.mark.parametrize(("density", "printed"), [(0.2, 0.23), (0.1, 0.13), (0.05, 0.08)])
def test_t3_uniform_macs(density: float, printed: float) -> None:
    """RigL README, first convolution dense: FLOPs over dense ones (its 80 % row is 0.007 above ours)."""
    got = mac_fraction(allocation.uniform(SHAPES, density, dense=["conv1"]))
    assert got == pytest.approx(printed, abs=0.0075)


@pytest.mark.parametrize(
    ("sparsity", "million_macs"),
    [("81.27", 705), ("90.23", 343), ("95.15", 162), ("96.11", 127), ("98.05", 73), ("98.98", 47)],
)
def test_t4_str_macs(sparsity: str, million_macs: int) -> None:
    """STR README: MACs and overall sparsity from the 54 densities."""
    table = published.layers("resnet50", f"str-{sparsity}")
    got = mac_fraction({row.layer: row.weight_density for row in table}) * sum(MACS.values())
    assert got / 1e6 == pytest.approx(million_macs, abs=0.51)  # printed in whole millions


def test_t4_str_sizes_of_all_sixteen_levels() -> None:
    levels = [table for _, table in published.tables("resnet50") if table.startswith("str-")]
    assert len(levels) == 16
    worst = []
    for level in levels:
        table = published.layers("resnet50", level)
        assert {row.layer: row.elements for row in table} == SIZES
        kept = sum(row.weight_density * SIZES[row.layer] for row in table)
        worst.append(abs(100 * (1 - kept / sum(SIZES.values())) - float(level.removeprefix("str-"))))
    assert max(worst) <= 0.01  # 54 densities of two decimals
    assert sum(one <= 0.006 for one in worst) >= 15


@pytest.mark.parametrize(
    ("density", "scheme", "whole", "printed"),
    [
        (0.1, "erk", [], 13.499),
        (0.05, "erk", [], 8.399),
        (0.035, "erk", ["conv1"], 6.904),
        (0.01, "erk", ["conv1"], 4.354),
        (0.1, "uniform", ["conv1"], 13.532),
        (0.05, "uniform", ["conv1"], 8.433),
        (0.035, "uniform", ["conv1"], 6.904),
        (0.01, "uniform", ["conv1"], 4.354),
    ],
)
def test_t5_bitmask_sizes(density: float, scheme: str, whole: list[str], printed: float) -> None:
    """RigL README: megabytes of ResNet-50 with a bitmask; at 96.5 and 99 % its ERK leaves conv1 unpruned."""
    allocate = allocation.erdos_renyi_kernel if scheme == "erk" else allocation.uniform
    assert megabytes(allocate(SHAPES, density, whole), whole) == pytest.approx(printed, abs=0.00051)


def test_t5_sizes_that_the_readme_has_otherwise() -> None:
    """Dense is exact; the README's 80 % rows are 0.07 % (ERK) and 0.2 % (uniform) below its own rule."""
    assert megabytes(dict.fromkeys(SHAPES, 1.0), list(SHAPES)) == pytest.approx(102.122, abs=0.00051)
    assert megabytes(allocation.erdos_renyi_kernel(SHAPES, 0.2), []) == pytest.approx(23.683, rel=0.0008)
    shares = allocation.uniform(SHAPES, 0.2, ["conv1"])
    assert megabytes(shares, ["conv1"]) == pytest.approx(23.685, rel=0.0025)


@pytest.mark.parametrize("network", ["lenet_300_100", "lenet5", "alexnet", "vgg16"])
def test_t6_work_is_weights_times_the_activations_before(network: str) -> None:
    """Han et al., NeurIPS 2015: FLOP % = weight % x activation % of the layer before, all 31 layers."""
    names = {"lenet_300_100": "lenet-300-100", "lenet5": "lenet-5"}
    with reference("han2015_layer_tables.csv").open() as file:
        printed = [
            float(row["flop_pct"])
            for row in csv.DictReader(file)
            if row["net"] == names.get(network, network)
        ]
    live, got = 1.0, []
    for row in published.layers(network, "han-2015"):
        got.append(100 * row.weight_density * live)
        assert row.output_density is not None
        live = row.output_density
    assert len(got) == len(printed)
    assert np.abs(np.subtract(got, printed)).max() <= 1.0  # three numbers printed in whole per cent


# Weights-only MAC fractions of the authors' pickles, sparse_networks.md 1.10.
MAC_FRACTIONS = {
    10: {"synflow": 0.351, "magnitude": 0.243, "snip": 0.217, "grasp": 0.182, "random": 0.0999},
    100: {"synflow": 0.0697, "magnitude": 0.0739, "snip": 0.0534, "grasp": 0.0505, "random": 0.0100},
    1000: {"synflow": 0.0090, "magnitude": 0.0156, "snip": 0.0133, "grasp": 0.0128, "random": 0.0010},
}


@pytest.mark.parametrize("compression", list(MAC_FRACTIONS))
def test_t7_one_size_many_amounts_of_work(compression: int) -> None:
    """SynFlow authors' results, VGG-16 on CIFAR-100: same size, work that differs 3.5 times."""
    shapes = vgg16_cifar()
    for method, printed in MAC_FRACTIONS[compression].items():
        table = published.layers("vgg16_cifar100", f"{method}-{compression}")
        macs = [shapes[row.layer].macs if row.layer in shapes else row.elements or 0 for row in table]
        assert [shapes[row.layer].elements for row in table[:-1]] == [row.elements for row in table[:-1]]
        work = sum(row.weight_density * own for row, own in zip(table, macs, strict=True))
        assert work / sum(macs) == pytest.approx(printed, abs=6e-5 if printed < 0.1 else 6e-4)
        kept = sum(row.weight_density * (row.elements or 0) for row in table)
        assert kept == pytest.approx(sum(row.elements or 0 for row in table) / compression, rel=0.002)


PSCONV = {
    "PSD4_P8": (7_560_384, 161.8),
    "PSD4_P16": (7_049_664, 151.0),
    "PS4_P4": (6_538_944, 140.2),
    "pSC4": (6_538_944, 140.2),
    "PSD2_P8": (4_700_352, 101.3),
    "PSD2_P16": (3_985_344, 86.1),
    "PS2_P6": (3_270_336, 71.0),
    "pSC2": (3_270_336, 71.0),
    "PSD1_P8": (3_270_336, 71.0),
    "PSD1_P16": (2_453_184, 53.7),
    "PS1_P9": (1_636_032, 36.4),
    "pSC1": (1_636_032, 36.4),
}


@pytest.mark.parametrize("name", list(PSCONV))
def test_t8_psconv_counts(name: str) -> None:
    """pSConv, VGG-16 on CIFAR-10: convolution weights and MACs of each variant, first convolution dense."""
    weights, million_macs = PSCONV[name]
    variant, kept, macs = Variant.parse(name), 0, 0
    for place, layer in enumerate(vgg16_cifar().values()):
        assert applies(layer.shape)
        alive = layer.elements if place == 0 else variant.model(layer.shape).nonzeros
        kept += alive
        macs += alive * layer.side**2
    assert macs / 1e6 == pytest.approx(million_macs, abs=0.051)
    assert kept == weights


def test_t8_bars_of_the_figure() -> None:
    """Figure bars in GFLOP, read off: ptflops adds 0.4 M of batch norm and ReLU; dense has 313.2 M MACs."""
    layers = list(vgg16_cifar().values())
    assert sum(layer.macs for layer in layers) / 1e6 == pytest.approx(313.2, abs=0.05)
    for name, bar in (
        ("PS4_P4", 0.1405),
        ("PSD4_P8", 0.162),
        ("PSD2_P8", 0.1018),
        ("PSD2_P16", 0.0866),
        ("PS2_P6", 0.0714),
    ):
        variant = Variant.parse(name)
        macs = layers[0].macs + sum(variant.model(one.shape).nonzeros * one.side**2 for one in layers[1:])
        assert macs / 1e9 + 0.0004 == pytest.approx(bar, abs=0.0003)


def test_haloc_budget_is_within_reach_of_equal_ranks() -> None:
    """HALOC abstract: ResNet-20, 72.2 % fewer FLOPs than 40.55 M MACs; ranks are not published: a bound."""
    layers = resnet20()
    dense = sum(layer.macs for layer in layers) + 640
    assert dense / 1e6 == pytest.approx(40.55, abs=0.01)

    def total(quarters: int) -> int:
        macs = layers[0].macs + 640
        for layer in layers[1:]:
            side = layer.side * (2 if layer.channels != layer.filters else 1)
            conv = Conv(
                filters=layer.filters,
                channels=layer.channels,
                kernel=(3, 3),
                inputs=side**2,
                outputs=layer.side**2,
            )
            rank = layer.channels * quarters // 4
            macs += tucker2_macs(conv, rank, rank)
        return macs

    assert total(1) < 0.278 * dense < total(2)
