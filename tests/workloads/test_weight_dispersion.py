"""How unevenly filters are pruned: what lowering writes into the table for the imbalance of a machine."""

import numpy as np
import pytest

import workloads
from workloads.operations import Linear, MatMul
from workloads.operations.base import LEAST_DISPERSION, filter_dispersion


def test_known_masks_show_in_the_table_and_unknown_ones_do_not():
    net = workloads.load("lenet_300_100")
    weight = net.weight("fc1")
    rows = np.repeat([0.1, 0.9], 150)
    mask = np.random.default_rng(0).random(weight.shape) < rows[:, None]
    table = net.with_weights(weight.with_mask(mask)).table()
    counts = mask.sum(axis=1)
    density = mask.mean()
    assert table.weight_dispersion[0] == pytest.approx(
        counts.var() / (784 * density * (1 - density)), rel=1e-9
    )
    assert table.weight_dispersion[0] > 100
    assert net.with_weights(weight.with_density(0.5)).table().weight_dispersion[0] == 0.0
    assert not net.table().weight_dispersion.any()


def test_filters_pruned_alike_are_known_to_be():
    weight = workloads.Weight("w", (4, 8)).with_mask(np.tile([True, False], (4, 4)))
    assert filter_dispersion(weight) == LEAST_DISPERSION


@pytest.mark.parametrize(
    ("constant", "transposed", "axis"), [("b", False, 1), ("b", True, 0), ("a", False, 0), ("a", True, 1)]
)
def test_the_filters_of_a_constant_factor_are_its_axis_that_is_not_summed(constant, transposed, axis):
    flag = {f"transpose_{constant}": transposed}
    product = MatMul("m", constant=constant, constant_shape=(6, 6), **flag)
    assert product._filter_axis == axis
    assert Linear("l", 6).weight_shapes([(1, 6)])["weight"] == (6, 6)


def test_ten_million_independent_elements_are_not_overdispersed():
    weight = workloads.Weight("w", (1000, 10_000)).with_mask(
        np.random.default_rng(0).random((1000, 10_000)) < 0.3
    )
    assert filter_dispersion(weight) == pytest.approx(1.0, abs=0.2)  # 1,000 filters: a deviation of 0.045
